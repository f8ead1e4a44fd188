/// Storage pools, directories whose files are volumes, and the images in them.
/// Called by [io.kahvem.daemon.service.StorageService] on calls' threads; a pool has one lock.
@NullMarked
package io.kahvem.daemon.storage;

import org.jspecify.annotations.NullMarked;
