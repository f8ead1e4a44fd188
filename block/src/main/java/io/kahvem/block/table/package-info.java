/// What formats have in common that cut a disk into blocks and keep a table of where each one is: VHD, VHDX, VMDK.
/// Called by those formats, on any thread.
package io.kahvem.block.table;
