package io.kahvem.cli.sandbox;

import io.kahvem.host.Landlock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How this program is started as a confined process: the same JVM with the same options, which are told that it is confined already, and
/// arguments of its own.
///
/// @param program the JVM's file
/// @param options what stood before this process' own arguments; the first is the program's name
public record ConfinedStart(String program, List<byte[]> options) {
    /// Set for a confined process; its value is the version of Landlock.
    static final String CONFINED = "kahvem.confined";

    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final Path PROGRAM = Path.of("/proc/self/exe");

    /// As `command` starts it, up to arguments of ours.
    public static ConfinedStart of(List<String> command) {
        return new ConfinedStart(command.getFirst(), command.stream().map(ConfinedStart::bytes).toList());
    }

    /// As this process was started. `arguments` are those that main got, which end its command line. Throws IOException where they do not,
    /// or where /proc does not tell.
    static ConfinedStart ofThisProcess(List<String> arguments) throws IOException {
        List<byte[]> command = splitAtZeros(Files.readAllBytes(COMMAND_LINE));
        int options = command.size() - arguments.size();
        for (int n = 0; n < arguments.size(); n++) {
            if (options < 1 || !Arrays.equals(command.get(options + n), bytes(arguments.get(n)))) {
                throw new IOException("the start of this process cannot be repeated: the end of %s is not %s"
                        .formatted(COMMAND_LINE, arguments));
            }
        }
        return new ConfinedStart(Files.readSymbolicLink(PROGRAM).toString(), List.copyOf(command.subList(0, options)));
    }

    /// The whole command.
    public List<byte[]> command(List<String> arguments) {
        List<byte[]> command = new ArrayList<>(options);
        command.add(1, bytes("-D" + CONFINED + "=" + Landlock.abi()));
        // The user database is none of a machine's files; messages name the user.
        command.add(2, bytes("-Duser.name=" + System.getProperty("user.name")));
        for (String argument : arguments) command.add(bytes(argument));
        return command;
    }

    /// The files that the process is left: its own and these.
    public List<Landlock.Rule> rules(List<Landlock.Rule> files) throws IOException {
        List<Landlock.Rule> all = OwnFiles.of(options.stream().map(option -> new String(option, charset())).toList());
        all.addAll(files);
        return all;
    }

    private static Charset charset() {
        return Charset.forName(System.getProperty("sun.jnu.encoding"));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(charset());
    }

    private static List<byte[]> splitAtZeros(byte[] bytes) {
        List<byte[]> parts = new ArrayList<>();
        ByteArrayOutputStream part = new ByteArrayOutputStream();
        for (byte b : bytes) {
            if (b == 0) {
                parts.add(part.toByteArray());
                part.reset();
            } else {
                part.write(b);
            }
        }
        return parts;
    }
}
