package io.kahvem.cli.doctor;

import io.kahvem.host.Terminal;
import io.kahvem.hypervisor.Hypervisor;
import java.io.PrintWriter;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `kahvem doctor`. Ends with 0 unless no engine can run at all.
@Command(
        name = "doctor",
        description = "Says what this host can do, what is missing, and the command that mends it.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {"0:an engine can run here", "2:wrong arguments", "70:no engine can run here"})
public final class DoctorCommand implements Callable<Integer> {
    private static final int NO_ENGINE = 70;

    private final Supplier<Diagnosis> diagnose;
    private final BooleanSupplier colour;

    /// Read by picocli, which then prints the help instead of calling.
    @SuppressWarnings("UnusedVariable")
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    private boolean help;

    @Option(names = "--json", description = "Write the report as JSON.")
    private boolean json;

    @Spec
    private @Nullable CommandSpec spec;

    /// For this host and the engines installed, in colour on a terminal unless NO_COLOR is set (no-color.org).
    public DoctorCommand() {
        this(
                () -> Diagnosis.of(Host.system(), installedEngines()).with(SandboxCheck.ofThisHost()),
                () -> System.getenv("NO_COLOR") == null && Terminal.standardOutput().isTerminal());
    }

    /// Nothing is examined before [#call]: picocli makes the command even to print its help.
    DoctorCommand(Supplier<Diagnosis> diagnose, BooleanSupplier colour) {
        this.diagnose = diagnose;
        this.colour = colour;
    }

    private static List<Hypervisor> installedEngines() {
        return ServiceLoader.load(Hypervisor.class).stream().map(ServiceLoader.Provider::get).toList();
    }

    @Override
    public Integer call() {
        if (spec == null) throw new AssertionError("run by picocli, which sets the spec");
        PrintWriter out = spec.commandLine().getOut();
        Diagnosis diagnosis = diagnose.get();
        if (json) {
            new JsonReport().print(diagnosis, out);
        } else {
            new TextReport(colour.getAsBoolean()).print(diagnosis, out);
        }
        return diagnosis.engines().isEmpty() ? NO_ENGINE : 0;
    }
}
