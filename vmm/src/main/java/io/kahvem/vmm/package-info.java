/// A machine put together from memory, an engine's vCPUs, the chipset and what it boots, and run from start to its end.
/// Called by `cli` and by programs that run machines as they run threads; any number of machines in one JVM, no static state.
package io.kahvem.vmm;
