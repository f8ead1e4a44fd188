/// A client of libvirt's protocol in Java's own style, and the errors both sides speak of.
/// Used by any program; a connection and what it gives are safe from any thread.
@NullMarked
package io.kahvem.libvirt;

import org.jspecify.annotations.NullMarked;
