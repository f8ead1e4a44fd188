package io.kahvem.libvirt.rpc;

import java.util.Optional;

/// What a packet is (virNetMessageType); the ordinal is its number on the wire.
public enum MessageType {
    CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, STREAM_HOLE;

    static Optional<MessageType> of(int number) {
        return number >= 0 && number < values().length ? Optional.of(values()[number]) : Optional.empty();
    }
}
