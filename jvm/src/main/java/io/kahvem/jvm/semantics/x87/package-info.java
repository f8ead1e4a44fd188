/// The x87 unit: 80-bit arithmetic exact to the bit, the register stack and the instructions D8 to DF.
/// Called by the interpreter and by translated code for one vCPU at a time.
/// Everything here runs on that vCPU's own thread and allocates nothing per instruction.
@org.jspecify.annotations.NullMarked
package io.kahvem.jvm.semantics.x87;
