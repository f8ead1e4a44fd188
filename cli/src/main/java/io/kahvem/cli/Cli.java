package io.kahvem.cli;

import io.kahvem.block.BlockException;
import io.kahvem.cli.daemon.DaemonCommand;
import io.kahvem.cli.doctor.DoctorCommand;
import io.kahvem.cli.image.ImageCommand;
import io.kahvem.cli.image.PlainImageCommand;
import io.kahvem.cli.run.RunCommand;
import io.kahvem.cli.virsh.Virsh;
import io.kahvem.config.ConfigException;
import io.kahvem.host.HostException;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.vmm.boot.BootException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/// The verbs, and what their failures look like: one line of cause, then evidence and remedy; no stack trace.
@Command(
        name = "kahvem",
        description = "Virtual machines, in Java.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        footer = {"", "kahvem help lists virsh's verbs, which work on the machines of a daemon (-c URI: whose); kahvem shell reads them.",
            "", "KAHVEM_DEBUG=1 in the environment shows stack traces."})
public final class Cli implements Runnable {
    /// The contract's options that this version does not have. They are refused like any unknown option, but said to be on their way.
    private static final Set<String> LATER = Set.of(
            "--disk", "--cdrom", "--firmware", "--net", "--display", "--machine", "--gdb");

    /// qemu-img's only status for wrong arguments.
    private static final int IMAGE_FAILED = 1;

    private final CliContext context;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    Cli(CliContext context) {
        this.context = context;
    }

    /// Runs the command `args` name. Returns the exit status, never throws.
    int run(String... args) {
        try {
            PlainCommand plain = plainly(List.of(args));
            if (plain != null) return plain.call();
            if (Virsh.isFor(args)) return new Virsh(context).run(args);
            CommandLine line = new CommandLine(this);
            // Reading a command's annotations takes milliseconds: of the others only where none of them is named.
            List<String> its = args.length == 0 ? List.of() : List.of(args).subList(1, args.length);
            Map<String, Supplier<Object>> commands = commands(its);
            List<Supplier<Object>> wanted = args.length > 0 && commands.containsKey(args[0])
                    ? List.of(commands.get(args[0])) : List.copyOf(commands.values());
            for (Supplier<Object> command : wanted) line.addSubcommand(command.get());
            return line.setOut(printer(context.out()))
                    .setErr(printer(context.err()))
                    .setParameterExceptionHandler((e, arguments) -> wrongArguments(e))
                    .setExecutionExceptionHandler((e, commandLine, parsed) -> failed(e))
                    .execute(args);
        } catch (Throwable e) {
            return failed(e);
        } finally {
            context.err().flush();
        }
    }

    /// The command that takes `args` without picocli; null where none does.
    private @Nullable PlainCommand plainly(List<String> args) {
        PlainCommand command = switch (args.isEmpty() ? "" : args.getFirst()) {
            case "run" -> new RunCommand(context);
            case "daemon" -> new DaemonCommand(context);
            case "image" -> new PlainImageCommand(printer(context.out()), printer(context.err()));
            default -> null;
        };
        return command != null && command.takesPlainly(args.subList(1, args.size())) ? command : null;
    }

    private static PrintWriter printer(OutputStream stream) {
        return new PrintWriter(stream, true, StandardCharsets.UTF_8);
    }

    private Map<String, Supplier<Object>> commands(List<String> itsArguments) {
        Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
        commands.put("run", () -> new RunCommand(context));
        commands.put("doctor", DoctorCommand::new);
        commands.put("daemon", () -> new DaemonCommand(context));
        commands.put("image", () -> ImageCommand.commandLine(itsArguments, context.processEnd()));
        return commands;
    }

    /// Without a verb.
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }

    private int wrongArguments(ParameterException e) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        String message = String.valueOf(e.getMessage());
        String hint = "";
        if (e instanceof UnmatchedArgumentException unmatched) {
            String argument = unmatched.getUnmatched().getFirst();
            String option = argument.replaceFirst("=.*", "");
            if (LATER.contains(option)) {
                message = "unknown option %s".formatted(option);
                hint = "\n  It is planned, but not in this version.";
            } else if (unmatched.isUnknownOption()) {
                message = "unknown option %s".formatted(option);
                hint = suggestions(unmatched);
            } else if (command.equals("kahvem run")) {
                message = "unexpected argument \"%s\"".formatted(argument);
                hint = "\n  This version boots no disk images; give a kernel: kahvem run --kernel FILE";
            } else {
                message = "no command \"%s\"".formatted(argument);
                hint = suggestions(unmatched);
            }
        }
        context.err().println("%s: %s%s\n  %s --help lists what it takes.".formatted(command, oneLine(message), hint, command));
        debugTrace(e);
        return command.startsWith("kahvem image") ? IMAGE_FAILED : ExitStatus.USAGE;
    }

    private static String suggestions(UnmatchedArgumentException e) {
        return e.getSuggestions().isEmpty() ? "" : "\n  Did you mean %s?".formatted(String.join(" or ", e.getSuggestions()));
    }

    private static String oneLine(String message) {
        return message.replace("\n", " ").strip();
    }

    /// Says what went wrong and gives the exit status.
    private int failed(Throwable e) {
        PrintStream err = context.err();
        context.inputTerminal().restore();
        int status = ExitStatus.HOST_FAILED;
        switch (e) {
            case CliException known -> {
                err.println("kahvem: " + known.getMessage());
                status = known.exitStatus();
            }
            case ConfigException known -> {
                err.println("kahvem: " + known.getMessage());
                status = ExitStatus.USAGE;
            }
            case InvalidPathException known -> {
                String remedy = "Give file names in the locale's character set, or set LC_ALL=C.UTF-8";
                err.println("kahvem: %s\n  %s".formatted(known.getMessage(), remedy));
                status = ExitStatus.USAGE;
            }
            case BootException known -> {
                err.println("kahvem: " + known.getMessage());
                status = ExitStatus.USAGE;
            }
            case BlockException known -> {
                err.println("kahvem: " + known.getMessage());
                status = ExitStatus.USAGE;
            }
            case HostException known -> err.println("kahvem: " + known.getMessage());
            case HypervisorException known -> err.println("kahvem: " + known.getMessage());
            default -> err.println(bugReport(e));
        }
        debugTrace(e);
        return status;
    }

    static String bugReport(Throwable e) {
        StackTraceElement[] trace = e.getStackTrace();
        String remedy = "Please report it with the command line; KAHVEM_DEBUG=1 in the environment adds the stack trace.";
        return "kahvem: this is a bug in Kahvem: %s%s\n  %s"
                .formatted(e, trace.length == 0 ? "" : " at " + trace[0], remedy);
    }

    private void debugTrace(Throwable e) {
        if (!context.environment().getOrDefault("KAHVEM_DEBUG", "").isEmpty()) e.printStackTrace(context.err());
    }
}
