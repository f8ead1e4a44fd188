package io.kahvem.daemon;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Starts the process of a machine.
@FunctionalInterface
public interface MachineStarter {
    /// Starts this program with the arguments of its verb `run`, in a session of its own, so that nothing that ends the daemon ends it.
    /// What it says is added to `log`, a file that is there.
    ProcessHandle start(List<String> arguments, Path log) throws IOException;

    /// One that runs a command with these arguments after it.
    static MachineStarter of(List<String> program) {
        Path setsid = Path.of("/usr/bin/setsid");
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(setsid)) command.add(setsid.toString());
        command.addAll(program);
        return (arguments, log) -> {
            List<String> all = new ArrayList<>(command);
            all.addAll(arguments);
            return new ProcessBuilder(all)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .redirectErrorStream(true)
                    .start()
                    .toHandle();
        };
    }
}
