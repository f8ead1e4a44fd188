package io.kahvem.daemon.domain;

import io.kahvem.daemon.rpc.IncomingStream;
import io.kahvem.daemon.rpc.OutgoingStream;
import io.kahvem.host.HostException;
import io.kahvem.host.TerminalDevice;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/// Who sits at which machine's serial line: one at a time.
public final class DomainConsoles {
    private static final int CHUNK = 4096;

    private final Map<UUID, Session> sessions = new ConcurrentHashMap<>();

    /// A stream to and from the machine's serial line.
    ///
    /// @param device the line's alias, or none for the first
    /// @param force whether whoever sits there is sent away
    public Function<OutgoingStream, IncomingStream> open(Domain domain, Optional<String> device, boolean force) {
        Domain.Running now = domain.requireRunning();
        if (device.isPresent() && !device.get().equals("serial0")) {
            throw Errors.argument("cannot find character device %s", device.get());
        }
        String terminal = now.process().terminal();
        if (terminal.isEmpty()) throw Errors.internal("character device serial0 is not using a PTY");
        Session before = sessions.get(domain.uuid());
        if (before != null && !force) throw busy();
        if (before != null) before.sendAway();
        try {
            Session session = new Session(domain.uuid(), TerminalDevice.open(terminal));
            Session raced = sessions.putIfAbsent(domain.uuid(), session);
            if (raced != null) {
                session.terminal.close();
                throw busy();
            }
            return session::begin;
        } catch (HostException e) {
            throw LibvirtException.of(ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, String.valueOf(e.getMessage()));
        }
    }

    private static LibvirtException busy() {
        return LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.QEMU, "Active console session exists for this domain");
    }

    private final class Session implements IncomingStream {
        private final UUID domain;
        private final TerminalDevice terminal;

        Session(UUID domain, TerminalDevice terminal) {
            this.domain = domain;
            this.terminal = terminal;
        }

        IncomingStream begin(OutgoingStream out) {
            Thread.ofPlatform().daemon().name("console " + domain).start(() -> read(out));
            return this;
        }

        private void read(OutgoingStream out) {
            byte[] chunk = new byte[CHUNK];
            for (int count; (count = terminal.read(chunk)) >= 0; ) {
                if (!out.send(chunk, 0, count)) break;
            }
            out.endOfData();
            leave();
        }

        void sendAway() {
            leave();
        }

        private void leave() {
            sessions.remove(domain, this);
            terminal.close();
        }

        @Override
        public void data(byte[] octets) {
            if (!terminal.write(octets, 0, octets.length)) throw Errors.internal("the machine's serial line is gone");
        }

        @Override
        public void hole(long lengthBytes) {
            throw Errors.argument("a console has no holes");
        }

        @Override
        public void finish() {
            leave();
        }

        @Override
        public void abort() {
            leave();
        }
    }
}
