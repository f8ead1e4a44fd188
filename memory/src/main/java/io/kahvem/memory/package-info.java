/// Guest-physical memory and who must hear of writes to it.
/// Called by engines on vCPU threads and by devices on any thread.
package io.kahvem.memory;
