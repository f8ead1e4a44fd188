package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.host.Terminal;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.RpcStream;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// A machine's console on this terminal, until the escape key or the machine's end.
final class ConsoleVerb {
    private static final int SHUTOFF = 5;
    private static final Verb CONSOLE = Verb.of(Group.DOMAIN, "console", "Sit at a machine's console; Ctrl-] leaves it.",
            call -> run(call.session(), Lookup.domain(call), call.text("devname"), call.flags(Map.of("force", 1, "safe", 2))),
            DOMAIN, "[devname] Another serial line, by its alias.", "--force Send away who sits there.",
            "--safe Only where nobody else can sit there.");

    static final List<Verb> TABLE = List.of(CONSOLE);

    private ConsoleVerb() {}

    static void run(Session session, DomainRef domain, Optional<String> device, int flags) {
        if (session.call(Domains.GET_STATE, new DomainFlags(domain, 0)).state() == SHUTOFF) throw new Failure("The domain is not running");
        Terminal terminal = session.context().inputTerminal();
        if (!terminal.isTerminal()) throw new Failure("Cannot run interactive console without a controlling TTY");
        char key = (char) (session.escape() | 0x40);
        session.print("Connected to domain '%s'\nEscape character is ^%c (Ctrl + %c)\n".formatted(domain.name(), key, key));
        session.flush();
        try (RpcStream stream = session.stream(DomainDevices.OPEN_CONSOLE, new DomainDevices.OpenConsole(domain, device, flags))) {
            CompletableFuture<Optional<LibvirtException>> end = new CompletableFuture<>();
            terminal.raw();
            try {
                Thread.ofPlatform().daemon().name("console output").start(() -> end.complete(print(session, stream)));
                Thread.ofPlatform().daemon().name("console input").start(() -> {
                    type(session, stream, end);
                    end.complete(Optional.empty());
                });
                end.join().ifPresent(why -> { throw why; });
            } finally {
                terminal.restore();
                session.print("\n");
            }
        }
    }

    private static Optional<LibvirtException> print(Session session, RpcStream stream) {
        try {
            LineEnds ends = new LineEnds();
            for (byte[] octets; (octets = stream.read()) != null; ) {
                session.context().out().write(ends.print(octets));
                session.context().out().flush();
            }
            return Optional.empty();
        } catch (LibvirtException e) {
            return Optional.of(e);
        } catch (IOException nobodyReads) {
            return Optional.empty();
        }
    }

    /// A guest sends both characters of a line's end, and our terminal makes both of the second: the first is left out.
    static final class LineEnds {
        private boolean held;

        byte[] print(byte[] octets) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream(octets.length + 1);
            for (byte octet : octets) {
                if (held && octet != '\n') printed.write('\r');
                held = octet == '\r';
                if (!held) printed.write(octet);
            }
            return printed.toByteArray();
        }
    }

    private static void type(Session session, RpcStream stream, CompletableFuture<?> end) {
        InputStream in = session.context().in();
        byte[] keys = new byte[1024];
        try {
            while (!end.isDone()) {
                // The shell reads the same input afterwards, so nothing is read that was not typed yet.
                if (in.available() == 0) {
                    Thread.sleep(5);
                    continue;
                }
                int count = in.read(keys, 0, Math.min(keys.length, in.available()));
                if (count < 0) return;
                int before = 0;
                while (before < count && keys[before] != session.escape()) before++;
                if (before > 0) stream.write(keys, 0, before);
                if (before < count) return;
            }
        } catch (IOException | LibvirtException e) {
            // The input or the stream has ended; the other thread tells why.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
