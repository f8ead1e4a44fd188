package io.kahvem.cli.image;

import io.kahvem.cli.ProcessEnd;
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

    /// With all its verbs.
    ///
    /// @param end how a verb that goes on is told to end
    public static CommandLine commandLine(ProcessEnd end) {
        CommandLine image = new CommandLine(new ImageCommand());
        for (ImageVerb verb : new ImageVerb[] {
            new AmendVerb(), new BenchVerb(), new BitmapVerb(), new CheckVerb(), new CommitVerb(), new CompareVerb(), new ConvertVerb(),
            new CreateVerb(), new DdVerb(), new InfoVerb(), new MapVerb(), new MeasureVerb(), new RebaseVerb(), new ResizeVerb(),
            new ServeVerb(end), new SnapshotVerb()
        }) {
            CommandLine line = new CommandLine(verb);
            // resize's -1G is a size.
            line.setUnmatchedOptionsArePositionalParams(verb instanceof ResizeVerb);
            image.addSubcommand(line);
        }
        return image;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given");
    }
}
