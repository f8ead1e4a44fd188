/// Payloads of a few instructions at the engines' seam, with no machine around: one body, every engine. A part of the processor that an
/// engine lacks on this host skips a test, which prints why.
@NullMarked
package io.kahvem.guest.engine;

import org.jspecify.annotations.NullMarked;
