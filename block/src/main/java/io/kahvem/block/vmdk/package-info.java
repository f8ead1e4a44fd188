/// VMDK images (VMware's Virtual Disk Format 5.0): a description and the extents it names, flat, sparse or compressed.
/// Called through the table of formats; its nodes on any thread.
package io.kahvem.block.vmdk;
