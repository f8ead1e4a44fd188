/// What each procedure does: from the protocol's records to the daemon's parts and back.
/// On calls' threads.
@NullMarked
package io.kahvem.daemon.service;

import org.jspecify.annotations.NullMarked;
