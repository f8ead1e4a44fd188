package io.kahvem.libvirt.rpc;

import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Program;
import java.util.Optional;

/// The six words that begin every packet.
///
/// @param type a [MessageType]'s number, or what a peer sent instead
/// @param serial the call's number; its answer and the packets of its stream repeat it
public record Header(int program, int version, int procedure, int type, int serial, int status) {
    public static Header call(Procedure<?, ?> procedure, int serial) {
        return of(procedure.program().number(), procedure.number(), MessageType.CALL, serial, Status.OK);
    }

    public static Header of(int program, int procedure, MessageType type, int serial, int status) {
        return new Header(program, Program.VERSION, procedure, type.ordinal(), serial, status);
    }

    /// The header of what answers this one.
    public Header answer(MessageType type, int status) {
        return new Header(program, version, procedure, type.ordinal(), serial, status);
    }

    public Optional<MessageType> messageType() {
        return MessageType.of(type);
    }
}
