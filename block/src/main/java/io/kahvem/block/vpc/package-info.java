/// VHD images (Virtual Hard Disk Image Format Specification, 1.0), fixed and dynamic; QEMU calls them `vpc`.
/// Called through the table of formats; its nodes on any thread.
package io.kahvem.block.vpc;
