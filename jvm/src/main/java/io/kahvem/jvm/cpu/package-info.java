/// The state of a virtual CPU: registers, lazy flags, mode, control bits.
/// Read and written by every part of the engine on the vCPU's own thread.
package io.kahvem.jvm.cpu;
