package io.kahvem.daemon.rpc;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Program;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.Status;
import io.kahvem.libvirt.rpc.StreamHole;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/// The daemon's end of a stream: packets with the number of the call that opened it. One thread sends; any may end it.
public final class OutgoingStream {
    private final Client client;
    private final Header call;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final CountDownLatch answered = new CountDownLatch(1);

    OutgoingStream(Client client, Header call) {
        this.client = client;
        this.call = call;
    }

    /// Sends bytes, in packets of at most [Packet#STREAM_CHUNK]; waits while the client is behind. False once the stream has ended.
    public boolean send(byte[] octets, int offset, int length) {
        int at = offset;
        int end = offset + length;
        while (at < end) {
            if (!maySend()) return false;
            int count = Math.min(end - at, Packet.STREAM_CHUNK);
            client.sendAndWait(Packet.encode(header(Status.CONTINUE), octets, at, count));
            at += count;
        }
        return !ended.get();
    }

    /// Sends a hole. False once the stream has ended.
    public boolean sendHole(long lengthBytes) {
        if (!maySend()) return false;
        Header header = new Header(
                call.program(), Program.VERSION, call.procedure(), MessageType.STREAM_HOLE.ordinal(), call.serial(), Status.CONTINUE);
        client.sendAndWait(Packet.encode(header, StreamHole.CODEC, new StreamHole(lengthBytes, 0)));
        return true;
    }

    /// All is sent; the client answers that it has had all.
    public void endOfData() {
        if (maySend()) client.sendAndWait(Packet.encode(header(Status.CONTINUE), new byte[0], 0, 0));
    }

    /// The call that opened the stream is answered: what is sent comes behind that.
    void answered() {
        answered.countDown();
    }

    private boolean maySend() {
        try {
            answered.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return !ended.get();
    }

    /// Ends the stream with an error.
    public void fail(LibvirtException e) {
        if (end()) client.send(Packet.encode(header(Status.ERROR), ErrorMessage.CODEC, ErrorMessage.of(e)));
    }

    /// Answers the client's own end.
    void confirm() {
        if (end()) client.send(Packet.encode(header(Status.OK), new byte[0], 0, 0));
    }

    /// True the first time: nothing more is sent, and what the client still sends is dropped.
    boolean end() {
        if (!ended.compareAndSet(false, true)) return false;
        client.forget(call.serial());
        return true;
    }

    private Header header(int status) {
        return call.answer(MessageType.STREAM, status);
    }
}
