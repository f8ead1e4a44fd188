package io.kahvem.cli.image;

import io.kahvem.cli.ProcessEnd;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `kahvem image`: its verbs are qemu-img's.
@Command(
        name = "image",
        description = "Makes, converts, checks and changes disk images: qemu-img's verbs and options.",
        synopsisSubcommandLabel = "COMMAND")
public final class ImageCommand implements Runnable {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli reads it
    private boolean help;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private ImageCommand() {}

    /// With the verb that is named, or with all where none of them is: reading the annotations of all takes a tenth of a second.
    ///
    /// @param arguments what follows `image`
    /// @param end how a verb that goes on is told to end
    public static CommandLine commandLine(List<String> arguments, ProcessEnd end) {
        Map<String, Supplier<ImageVerb>> verbs = verbs(end);
        Supplier<ImageVerb> named = arguments.isEmpty() ? null : verbs.get(arguments.getFirst());
        CommandLine image = new CommandLine(new ImageCommand());
        for (Supplier<ImageVerb> wanted : named == null ? verbs.values() : List.of(named)) {
            ImageVerb verb = wanted.get();
            CommandLine line = new CommandLine(verb);
            // resize's -1G is a size.
            line.setUnmatchedOptionsArePositionalParams(verb instanceof ResizeVerb);
            image.addSubcommand(line);
        }
        return image;
    }

    private static Map<String, Supplier<ImageVerb>> verbs(ProcessEnd end) {
        Map<String, Supplier<ImageVerb>> verbs = new LinkedHashMap<>();
        verbs.put("amend", AmendVerb::new);
        verbs.put("bench", BenchVerb::new);
        verbs.put("bitmap", BitmapVerb::new);
        verbs.put("check", CheckVerb::new);
        verbs.put("commit", CommitVerb::new);
        verbs.put("compare", CompareVerb::new);
        verbs.put("convert", ConvertVerb::new);
        verbs.put("create", CreateVerb::new);
        verbs.put("dd", DdVerb::new);
        verbs.put("info", InfoVerb::new);
        verbs.put("map", MapVerb::new);
        verbs.put("measure", MeasureVerb::new);
        verbs.put("rebase", RebaseVerb::new);
        verbs.put("resize", ResizeVerb::new);
        verbs.put("serve", () -> new ServeVerb(end));
        verbs.put("snapshot", SnapshotVerb::new);
        return verbs;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }
}
