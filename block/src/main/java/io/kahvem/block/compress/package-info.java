/// Compression of clusters: deflate and zstd, each by buffers a thread keeps.
/// Called by formats with compressed clusters, on any thread.
package io.kahvem.block.compress;
