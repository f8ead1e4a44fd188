/// The small Linux that `kahvem run` boots when it is given nothing: a kernel and busybox from the host's own apt sources, kept in the
/// user's cache. Called by `kahvem run`, on its thread; several processes may ask at once.
@NullMarked
package io.kahvem.cli.smalllinux;

import org.jspecify.annotations.NullMarked;
