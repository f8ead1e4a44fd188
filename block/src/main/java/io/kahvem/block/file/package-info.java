/// The layer below the formats: files and block devices of the host, with QEMU's image locks.
/// Called by formats, on any thread.
package io.kahvem.block.file;
