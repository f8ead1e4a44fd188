/// What each operation does, once, for interpreter and translator alike: static methods on a CPU and operands.
/// Called from generated code on the vCPU's own thread; rules in docs/design/engine.md.
package io.kahvem.jvm.semantics;
