package io.kahvem.cli.sandbox;

import io.kahvem.host.Landlock;
import java.util.List;
import java.util.Optional;

/// How a process gives up what it does not need; tests have one that gives up nothing.
public interface Confinement {
    /// Makes the process one that has only `files` and those it runs from. Where that takes a new start, the process starts again with
    /// `arguments` and this does not return. Returns nothing once it is so, and otherwise why it cannot be.
    Optional<String> confineFiles(List<Landlock.Rule> files, List<String> arguments);

    /// Leaves all threads only the system calls of a running machine; no file is opened for writing from here on. Returns nothing, or why
    /// it cannot be.
    Optional<String> confineCalls();
}
