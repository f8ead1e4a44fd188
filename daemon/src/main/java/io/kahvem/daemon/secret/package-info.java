/// Secrets: pass phrases under a UUID and a use.
/// Called by [io.kahvem.daemon.service.SecretService] on calls' threads.
@NullMarked
package io.kahvem.daemon.secret;

import org.jspecify.annotations.NullMarked;
