/// The format that is none: a disk's bytes as a file has them.
/// Called through the table of formats; its nodes on any thread.
package io.kahvem.block.raw;
