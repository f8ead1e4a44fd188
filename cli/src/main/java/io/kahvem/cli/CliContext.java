package io.kahvem.cli;

import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.host.Terminal;
import io.kahvem.vmm.MachineHost;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// All that a command may touch of its process, so that tests give it another.
///
/// @param in standard input, unbuffered
/// @param out standard output, unbuffered; a guest's console or a command's answer, nothing else
/// @param err everything else we say
/// @param inputTerminal the terminal behind standard input, if there is one
/// @param outIsTerminal whether a screen can be drawn on standard output
/// @param errIsTerminal whether progress has someone to show itself to
/// @param machineHost what machines are made from
/// @param confinement how the process gives up what it does not need
public record CliContext(
        Map<String, String> environment,
        InputStream in,
        OutputStream out,
        PrintStream err,
        Terminal inputTerminal,
        BooleanSupplier outIsTerminal,
        BooleanSupplier errIsTerminal,
        ProcessEnd processEnd,
        Supplier<MachineHost> machineHost,
        Confinement confinement) {}
