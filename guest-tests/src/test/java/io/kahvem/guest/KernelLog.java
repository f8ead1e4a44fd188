package io.kahvem.guest;

import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The complaints in what `dmesg -r` prints: warnings and worse, without their times.
final class KernelLog {
    /// Those that the same guests have under QEMU's TCG (q35 and pc, `-cpu max`), with one and with four processors.
    static final List<String> UNDER_QEMU = List.of(
            // pc: its bus has configuration mechanism #1 alone, as ours
            "acpi PNP0A03:00: fail to add MMCONFIG information, can't access extended PCI configuration space under this bridge.",
            "tsc: Unable to calibrate against PIT",
            " #2", // further processors as they start, a line continued
            " #3",
            "mtrr: your CPUs had inconsistent fixed MTRR settings",
            "mtrr: your CPUs had inconsistent variable MTRR settings",
            "mtrr: your CPUs had inconsistent MTRRdefType settings",
            "Unstable clock detected, switching default tracing clock to \"global\"",
            "If you want to keep using the local clock, then add:",
            "  \"trace_clock=local\"",
            "on the kernel command line");

    /// Says that the host was busy elsewhere, under any hypervisor.
    private static final String OF_A_BUSY_HOST = "hrtimer: interrupt took ";

    /// Levels 0 to 4 of any facility: the low three bits of the number in angle brackets.
    private static final Pattern LINE = Pattern.compile("(?m)^<([0-9]+)>\\[ *[0-9]+\\.[0-9]+\\] ?(.*?)\r?$");
    private static final int WARNING = 4;

    private KernelLog() {}

    static List<String> complaints(String dmesg) {
        return LINE.matcher(dmesg).results().filter(KernelLog::isComplaint).map(line -> line.group(2)).toList();
    }

    private static boolean isComplaint(MatchResult line) {
        return (Integer.parseInt(line.group(1)) & 7) <= WARNING && !line.group(2).startsWith(OF_A_BUSY_HOST);
    }
}
