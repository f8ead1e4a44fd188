package io.kahvem.daemon.rpc;

import io.kahvem.host.Descriptor;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A call under way, as its handler sees it.
public final class Call {
    private final Client client;
    private final List<Descriptor> descriptors;
    private @Nullable Function<OutgoingStream, IncomingStream> stream;

    Call(Client client, List<Descriptor> descriptors) {
        this.client = client;
        this.descriptors = descriptors;
    }

    /// Whose call it is.
    public Client client() {
        return client;
    }

    /// What came with it; closed when it is done.
    public List<Descriptor> descriptors() {
        return descriptors;
    }

    /// Opens a stream in this call's name once it is answered without an error: `stream` makes what receives from the client of what sends
    /// to it, and may begin to send on a thread of its own.
    public void openStream(Function<OutgoingStream, IncomingStream> stream) {
        this.stream = stream;
    }

    @Nullable Function<OutgoingStream, IncomingStream> stream() {
        return stream;
    }
}
