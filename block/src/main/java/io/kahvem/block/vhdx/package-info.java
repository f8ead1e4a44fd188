/// VHDX images ([MS-VHDX]): headers, regions, metadata, the table of blocks, and the log that its changes go through.
/// Called through the table of formats; its nodes on any thread.
package io.kahvem.block.vhdx;
