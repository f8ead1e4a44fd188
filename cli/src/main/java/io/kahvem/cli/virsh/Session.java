package io.kahvem.cli.virsh;

import io.kahvem.cli.CliContext;
import io.kahvem.cli.Progress;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Credentials;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.RpcStream;
import io.kahvem.libvirt.protocol.Common.CountedParameters;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.io.Console;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// A connection, opened when first needed, and where verbs print. One thread.
final class Session implements AutoCloseable {
    private final CliContext context;
    private final GlobalOptions options;
    private final PrintStream out;
    private @Nullable Connection connection;
    private String uri;
    private boolean readOnly;

    Session(CliContext context, GlobalOptions options) {
        this.context = context;
        this.options = options;
        this.uri = options.uri().orElseGet(() -> standardUri(context));
        this.readOnly = options.readOnly();
        this.out = new PrintStream(context.out(), false, StandardCharsets.UTF_8);
    }

    /// What virsh takes where it is not told: its own variable, the library's, else the daemon a user of this kind would start.
    private static String standardUri(CliContext context) {
        for (String variable : List.of("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")) {
            String value = context.environment().getOrDefault(variable, "");
            if (!value.isEmpty()) return value;
        }
        return "root".equals(System.getProperty("user.name")) ? "qemu:///system" : "qemu:///session";
    }

    CliContext context() {
        return context;
    }

    Optional<String> environment(String variable) {
        return Optional.ofNullable(context.environment().get(variable)).filter(value -> !value.isEmpty());
    }

    // ---- the connection

    Connection connection() {
        Connection now = connection;
        if (now != null && now.isOpen()) return now;
        return connect(uri, readOnly);
    }

    Connection connect(String uri, boolean readOnly) {
        disconnect();
        this.uri = uri;
        this.readOnly = readOnly;
        try {
            Connection.Builder builder = Connection.with().credentials(this::askPassword);
            if (readOnly) builder.readOnly();
            if (options.keepAliveSeconds() > 0) {
                builder.keepAlive(Duration.ofSeconds(options.keepAliveSeconds()), options.keepAliveCount());
            }
            Connection opened = builder.open(uri);
            connection = opened;
            return opened;
        } catch (LibvirtException e) {
            throw new NotConnected(e);
        }
    }

    /// There is no daemon to ask.
    static final class NotConnected extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotConnected(LibvirtException why) {
            super("failed to connect to the hypervisor", why);
        }
    }

    private Optional<Credentials.Password> askPassword() {
        Console console = System.console();
        if (console == null) return Optional.empty();
        flush();
        String user = console.readLine("Please enter your username: ");
        char[] password = console.readPassword("Please enter your password: ");
        return user == null || password == null ? Optional.empty() : Optional.of(new Credentials.Password(user, password));
    }

    void disconnect() {
        if (connection != null) connection.close();
        connection = null;
    }

    /// Whether the daemon went away under a command.
    static boolean isLost(RuntimeException e) {
        return e instanceof ConnectionLostException || e.getCause() instanceof ConnectionLostException;
    }

    String uri() {
        return uri;
    }

    boolean isReadOnly() {
        return readOnly;
    }

    <A extends Record, R extends Record> R call(Procedure<A, R> procedure, A arguments) {
        return connection().call(procedure, arguments);
    }

    <A extends Record, R extends Record> RpcStream stream(Procedure<A, R> procedure, A arguments) {
        return connection().stream(procedure, arguments);
    }

    /// A flag of such a call: texts are welcome among the parameters (VIR_TYPED_PARAM_STRING_OKAY).
    static final int TEXTS = 4;

    /// All parameters of a procedure that must be told for how many there is room.
    <A extends Record> List<TypedParameter> parameters(Procedure<A, CountedParameters> procedure, IntFunction<A> arguments) {
        int count = call(procedure, arguments.apply(0)).count();
        return count == 0 ? List.of() : call(procedure, arguments.apply(count)).parameters();
    }

    // ---- what is printed

    /// An answer.
    void print(String text) {
        out.print(text);
    }

    /// What people want to see and `--quiet` leaves out.
    void say(String text) {
        if (!options.quiet()) out.print(text);
    }

    void print(Table table) {
        out.print(table.text(!options.quiet()));
    }

    void json(Object value) {
        out.print(Json.text(value));
    }

    /// To the error stream, after what was printed.
    void complain(String text) {
        out.flush();
        context.err().println(text);
        context.err().flush();
    }

    void error(String message) {
        complain("error: " + message);
    }

    void flush() {
        out.flush();
    }

    /// The key that leaves a console.
    char escape() {
        return options.escape();
    }

    boolean isTiming() {
        return options.timing();
    }

    Progress progress() {
        return new Progress(context.err(), !options.quiet() && context.errIsTerminal().getAsBoolean());
    }

    @Override
    public void close() {
        disconnect();
        flush();
    }
}
