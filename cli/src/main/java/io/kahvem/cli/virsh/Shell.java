package io.kahvem.cli.virsh;

import io.kahvem.cli.CliContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.jline.reader.Candidate;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/// Commands one after another: on a terminal with editing, history and completion, else as they come.
final class Shell {
    private final Session session;
    private final CliContext context;
    private boolean succeeded = true;

    Shell(Session session, CliContext context) {
        this.session = session;
        this.context = context;
    }

    /// Whether the last command worked.
    boolean run() {
        try {
            session.connection();
        } catch (Session.NotConnected e) {
            Virsh.tell(session, e);
            return false;
        }
        session.say("Welcome to kahvem, which speaks virsh's language.\n\nType:  'help' for help with commands\n       'quit' to quit\n\n");
        session.flush();
        if (context.inputTerminal().isTerminal()) {
            edited();
        } else {
            plain();
        }
        return succeeded;
    }

    private String prompt() {
        return session.isReadOnly() ? "kahvem > " : "kahvem # ";
    }

    /// Gives false at the end.
    private boolean line(String line) {
        List<Parser.Parsed> commands;
        try {
            commands = Parser.text(line);
        } catch (Failure e) {
            session.error(String.valueOf(e.getMessage()));
            succeeded = false;
            return true;
        }
        Virsh.Outcome outcome = Virsh.run(session, commands);
        if (outcome == Virsh.Outcome.LEAVE) return false;
        succeeded = outcome == Virsh.Outcome.DONE;
        return true;
    }

    private void plain() {
        BufferedReader lines = new BufferedReader(new InputStreamReader(context.in(), StandardCharsets.UTF_8));
        try {
            for (String line; (line = lines.readLine()) != null; ) {
                if (!line(line)) return;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void edited() {
        try (Terminal terminal = TerminalBuilder.builder().system(true).provider("exec").build()) {
            LineReader reader = LineReaderBuilder.builder()
                    .terminal(terminal)
                    .parser(new DefaultParser())
                    .completer(this::complete)
                    .variable(LineReader.HISTORY_FILE, history())
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                    .build();
            while (true) {
                try {
                    if (!line(reader.readLine(prompt()))) return;
                } catch (UserInterruptException e) {
                    continue;
                } catch (EndOfFileException e) {
                    return;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path history() {
        Path state = session.environment("XDG_STATE_HOME").map(Path::of)
                .orElseGet(() -> Path.of(session.environment("HOME").orElse("/tmp"), ".local/state"));
        return state.resolve("kahvem/history");
    }

    private void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
        String word = line.word().substring(0, line.wordCursor());
        List<String> before = line.words().subList(0, line.wordIndex());
        for (int n = before.size() - 1; n >= 0; n--) {
            if (before.get(n).endsWith(";")) {
                before = before.subList(n + 1, before.size());
                break;
            }
        }
        for (String each : Completion.candidates(session, before, word)) candidates.add(new Candidate(each));
    }
}
