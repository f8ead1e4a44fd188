/// From bytes to instructions: opcode maps as rows in the manual's notation, and the decoder that reads by them.
/// Called on vCPU threads when a block is first met.
package io.kahvem.jvm.decode;
