/// MMX and SSE to SSE4.2: each instruction once, as lane functions on 64-bit halves or as whole operations.
/// Called from generated code on the vCPU's own thread; how it fits together is told in docs/design/sse.md.
@org.jspecify.annotations.NullMarked
package io.kahvem.jvm.semantics.sse;
