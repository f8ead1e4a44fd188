package io.kahvem.cli.image;

import io.kahvem.cli.PlainCommand;
import java.io.PrintWriter;
import java.util.List;

/// `image convert` without picocli.
public final class PlainImageCommand implements PlainCommand {
    private final ConvertVerb verb = new ConvertVerb();

    public PlainImageCommand(PrintWriter out, PrintWriter err) {
        verb.printTo(out, err);
    }

    @Override
    public boolean takesPlainly(List<String> arguments) {
        return !arguments.isEmpty() && arguments.getFirst().equals("convert") && verb.takesPlainly(arguments.subList(1, arguments.size()));
    }

    @Override
    public Integer call() {
        return verb.call();
    }
}
