package io.kahvem.cli;

import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.host.Landlock;
import io.kahvem.host.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A process without a terminal, for commands that run no machine of their own.
public final class TestContext {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final CliContext context;

    public TestContext(Map<String, String> environment, InputStream in) {
        context = new CliContext(environment, in, out, new PrintStream(err, true, StandardCharsets.UTF_8), new NoTerminal(), () -> false,
                () -> false, new ProcessEnd(), () -> {
                    throw new AssertionError("no machine is made here");
                },
                new NoConfinement());
    }

    public CliContext context() {
        return context;
    }

    public int run(String... arguments) {
        return new Cli(context).run(arguments);
    }

    public String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    public String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private static final class NoTerminal implements Terminal {
        @Override
        public boolean isTerminal() {
            return false;
        }

        @Override
        public void raw() {}

        @Override
        public void restore() {}
    }

    private static final class NoConfinement implements Confinement {
        @Override
        public Optional<String> confineFiles(List<Landlock.Rule> files, List<String> arguments) {
            return Optional.empty();
        }

        @Override
        public Optional<String> confineCalls() {
            return Optional.empty();
        }
    }
}
