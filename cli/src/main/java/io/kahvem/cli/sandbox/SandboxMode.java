package io.kahvem.cli.sandbox;

import io.kahvem.cli.CliException;
import java.util.Locale;

/// Whether a machine's process is confined before guest code runs.
public enum SandboxMode {
    OFF,
    /// As far as the kernel can; what it cannot is told.
    ON,
    /// Wholly, or there is no machine.
    REQUIRE;

    public static SandboxMode parse(String text) {
        for (SandboxMode mode : values()) {
            if (mode.name().toLowerCase(Locale.ROOT).equals(text)) return mode;
        }
        throw CliException.badInput("--sandbox: \"%s\" is none of off, on and require".formatted(text));
    }
}
