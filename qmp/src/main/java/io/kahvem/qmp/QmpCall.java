package io.kahvem.qmp;

import io.kahvem.host.Descriptor;
import java.util.Optional;

/// What a command came with beside its arguments.
public interface QmpCall {
    /// The next descriptor that the client has passed on its socket and no command has taken; the caller's now.
    Optional<Descriptor> takeDescriptor();

    /// Does this when the reply is on its way: what an action tells comes after it then.
    void afterReply(Runnable action);
}
