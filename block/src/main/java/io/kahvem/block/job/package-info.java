/// Work on a disk while a guest uses it: snapshots, commit, stream, mirror, backup.
/// Called by whoever manages the machine, on a thread of theirs that may block.
package io.kahvem.block.job;
