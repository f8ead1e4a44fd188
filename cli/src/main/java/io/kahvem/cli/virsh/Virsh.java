package io.kahvem.cli.virsh;

import io.kahvem.cli.CliContext;
import io.kahvem.libvirt.LibvirtException;
import java.io.UncheckedIOException;
import java.util.List;

/// virsh, with `kahvem` in its place: `kahvem [OPTIONS] VERB ...`, `kahvem [OPTIONS] 'VERB ...; VERB ...'` or, without a verb, the shell.
public final class Virsh {
    private static final int OK = 0;
    private static final int FAILED = 1;

    private final CliContext context;

    public Virsh(CliContext context) {
        this.context = context;
    }

    /// Whether a command line is for a daemon: begins with one of virsh's options or verbs.
    public static boolean isFor(String... arguments) {
        if (arguments.length == 0) return false;
        String first = arguments[0];
        if (first.equals("shell") || GlobalOptions.isOne(first)) return true;
        return Verbs.find(arguments.length == 1 ? first.strip().split("[\\s;]", 2)[0] : first).isPresent();
    }

    /// Gives virsh's exit status.
    public int run(String... arguments) {
        GlobalOptions options;
        try {
            options = GlobalOptions.parse(List.of(arguments));
        } catch (Failure e) {
            context.err().println("error: " + e.getMessage());
            return FAILED;
        }
        try (Session session = new Session(context, options)) {
            List<String> command = options.command();
            if (command.isEmpty() || command.equals(List.of("shell"))) return new Shell(session, context).run() ? OK : FAILED;
            List<Parser.Parsed> parsed;
            try {
                parsed = command.size() == 1 ? Parser.text(command.getFirst()) : List.of(Parser.words(command));
            } catch (Failure e) {
                session.error(String.valueOf(e.getMessage()));
                return FAILED;
            }
            return run(session, parsed) == Outcome.FAILED ? FAILED : OK;
        }
    }

    /// How a command, or the last of several, went.
    enum Outcome { DONE, FAILED, LEAVE }

    /// Runs commands one after another, also after a failure; gives the last one's outcome.
    static Outcome run(Session session, List<Parser.Parsed> commands) {
        Outcome outcome = Outcome.DONE;
        for (Parser.Parsed each : commands) {
            outcome = run(session, each);
            if (outcome == Outcome.LEAVE) break;
        }
        session.flush();
        return outcome;
    }

    private static Outcome run(Session session, Parser.Parsed command) {
        Outcome outcome = Outcome.DONE;
        long started = System.nanoTime();
        try {
            if (command.verb().connects()) session.connection();
            command.verb().action().run(new Call(session, command.verb(), command.values()));
        } catch (Session.NotConnected e) {
            tell(session, e);
            return Outcome.FAILED;
        } catch (Leave e) {
            return Outcome.LEAVE;
        } catch (Failure | LibvirtException e) {
            tell(session, e);
            if (Session.isLost(e)) session.disconnect();
            outcome = Outcome.FAILED;
        } catch (UncheckedIOException e) {
            session.error(String.valueOf(e.getMessage()));
            outcome = Outcome.FAILED;
        }
        if (session.isTiming()) {
            session.print("\n(Time: %.3f ms)\n\n".formatted((System.nanoTime() - started) / 1e6));
        } else {
            session.say("\n");
        }
        return outcome;
    }

    /// What went wrong, and below it what the daemon said.
    static void tell(Session session, RuntimeException e) {
        String message = String.valueOf(e.getMessage());
        if (!message.isEmpty()) session.error(message);
        if (e instanceof LibvirtException) return;
        if (e.getCause() instanceof RuntimeException why) session.error(String.valueOf(why.getMessage()));
    }

    /// Ends the shell, or what is left of a batch.
    static final class Leave extends RuntimeException {
        private static final long serialVersionUID = 1;

        Leave() {
            super("leave", null, false, false);
        }
    }
}
