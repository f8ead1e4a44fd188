/// Tier 0: linked instruction objects, a block at a time.
/// Runs on vCPU threads; the code cache is shared by them.
package io.kahvem.jvm.interpret;
