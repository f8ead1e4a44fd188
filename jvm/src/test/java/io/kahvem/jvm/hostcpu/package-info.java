/// Runs machine code on the processor the tests run on, so that the engine's result can be compared with hardware's.
/// Used by instruction tests, on the test's own thread; where the host is not x86-64 Linux the tests skip and say so.
@org.jspecify.annotations.NullMarked
package io.kahvem.jvm.hostcpu;
