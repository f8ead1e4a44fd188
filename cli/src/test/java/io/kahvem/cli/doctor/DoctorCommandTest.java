package io.kahvem.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandTest {
    private static final Diagnosis MIXED = new Diagnosis(
            List.of(
                    new Check("JDK", Status.PASS, "25.0.1", ""),
                    new Check("KVM permission", Status.FAIL, "denied \"here\"", "sudo usermod -aG kvm $USER"),
                    new Check("tun", Status.WARN, "no /dev/net/tun", "sudo modprobe tun")),
            List.of("jvm"));

    private final StringWriter out = new StringWriter();

    @Test
    void theTextReportHasColumnsAndEachRemedyBelowItsFinding() {
        assertThat(run(MIXED, false)).isZero();
        assertThat(out.toString().lines()).containsExactly(
                "PASS  JDK             25.0.1",
                "FAIL  KVM permission  denied \"here\"",
                "                      -> sudo usermod -aG kvm $USER",
                "WARN  tun             no /dev/net/tun",
                "                      -> sudo modprobe tun",
                "",
                "Engines that can run here: jvm");
    }

    @Test
    void colourIsForTerminalsOnly() {
        run(MIXED, true);
        assertThat(out.toString()).contains("\u001b[32mPASS\u001b[0m  JDK ", "\u001b[31mFAIL", "\u001b[33mWARN");
        out.getBuffer().setLength(0);
        run(MIXED, false);
        assertThat(out.toString()).doesNotContain("\u001b");
    }

    @Test
    void theJsonReportSaysTheSameAndLeavesTheOutputOpen() {
        assertThat(run(MIXED, true, "--json")).isZero();
        assertThat(out.toString().replaceAll("\\s+", " ").strip()).isEqualTo("""
                { "engines" : [ "jvm" ], "checks" : [ \
                { "name" : "JDK", "status" : "PASS", "evidence" : "25.0.1", "remedy" : "" }, \
                { "name" : "KVM permission", "status" : "FAIL", "evidence" : "denied \\"here\\"", \
                "remedy" : "sudo usermod -aG kvm $USER" }, \
                { "name" : "tun", "status" : "WARN", "evidence" : "no /dev/net/tun", "remedy" : "sudo modprobe tun" } ] }""");
        assertThat(out.toString()).endsWith(System.lineSeparator());
    }

    @Test
    void theExitStatusIsThatOfAHostFailureOnlyWhereNoEngineCanRun() {
        assertThat(run(new Diagnosis(List.of(), List.of()), false)).isEqualTo(70);
        assertThat(out.toString()).contains("Engines that can run here: none");
        assertThat(run(new Diagnosis(List.of(), List.of()), false, "--json")).isEqualTo(70);
    }

    @Test
    void anOptionThatDoesNotExistIsRefused() {
        CommandLine command = new CommandLine(new DoctorCommand(() -> MIXED, () -> false));
        command.setErr(new PrintWriter(new StringWriter()));
        assertThat(command.execute("--xml")).isEqualTo(2);
    }

    @Test
    void helpExaminesNothing() {
        CommandLine command = new CommandLine(new DoctorCommand(
                () -> {
                    throw new AssertionError("examined");
                },
                () -> false));
        command.setOut(new PrintWriter(out, true));
        assertThat(command.execute("--help")).isZero();
        assertThat(out.toString()).contains("--json", "70");
    }

    private int run(Diagnosis diagnosis, boolean colour, String... arguments) {
        CommandLine command = new CommandLine(new DoctorCommand(() -> diagnosis, () -> colour));
        command.setOut(new PrintWriter(out));
        return command.execute(arguments);
    }
}
