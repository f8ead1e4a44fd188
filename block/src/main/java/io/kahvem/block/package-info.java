/// Disk images as devices and tools use them: what a disk is ([BlockBackend]), what a layer of it is ([BlockNode]), how one is opened.
/// Called by device emulators, by `kahvem image` and by the daemon; nodes are called on any thread, and block it.
package io.kahvem.block;
