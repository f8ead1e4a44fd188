/// QEMU's format (docs/interop/qcow2.txt of QEMU): tables of clusters, reference counts, snapshots, bitmaps.
/// Called through the table of formats; its nodes on any thread.
package io.kahvem.block.qcow2;
