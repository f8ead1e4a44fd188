/// Network Block Device (the NBD project's doc/proto.md), both ends: a disk elsewhere as a layer here, and a disk here for others.
/// The client is called on any thread; the server has threads of its own.
package io.kahvem.block.nbd;
