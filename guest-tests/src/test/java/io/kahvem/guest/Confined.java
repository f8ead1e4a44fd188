package io.kahvem.guest;

import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.config.Accel;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Serial;
import io.kahvem.devices.ByteSink;
import io.kahvem.host.Landlock;
import io.kahvem.host.Landlock.Access;
import io.kahvem.host.ProcessImage;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.MachineHost;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A program for [SandboxTest]: confines itself as `kahvem run` does and says what it can do then, a line each; at last runs a machine.
/// Arguments: engine, kernel, a file the sandbox leaves for writing, a file it does not leave.
final class Confined {
    /// Something that a confined process may or may not do.
    private interface Attempt {
        void make() throws Exception;
    }

    private Confined() {}

    public static void main(String[] args) throws Exception {
        Path kernel = Path.of(args[1]);
        Path mine = Path.of(args[2]);
        Path others = Path.of(args[3]);
        List<Landlock.Rule> files = new ArrayList<>();
        files.add(new Landlock.PathRule(kernel, Set.of(Access.READ)));
        files.add(new Landlock.PathRule(mine, Set.of(Access.READ, Access.WRITE)));
        MachineHost host = MachineHost.system();
        for (Hypervisor engine : host.engines()) {
            for (Path file : engine.files()) files.add(new Landlock.PathRule(file, Set.of(Access.READ, Access.WRITE)));
        }
        Confinement confinement = new ProcessConfinement(args);
        say("files", confinement.confineFiles(files, List.of(args)).orElse("confined"));
        say("user", System.getProperty("user.name"));
        attempt("read mine", () -> Files.readString(mine));
        attempt("write mine", () -> Files.writeString(mine, "new"));
        attempt("read others", () -> Files.readString(others));
        attempt("write others", () -> Files.writeString(others, "new"));
        attempt("list root", () -> Files.newDirectoryStream(Path.of("/")).close());
        attempt("start a program", () -> ProcessImage.replace("/bin/true", List.of(bytes("true"))));

        MachineConfig config = MachineConfig.builder().memory("16M").kernel(kernel).accel(Accel.parse(args[0])).serial(new Serial.None())
                .debugExit(true).build();
        ExecutorService before = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
        before.submit(() -> {}).get();
        try (OutputStream open = Files.newOutputStream(mine); Machine machine = Machine.create(config, ByteSink.DISCARD, host)) {
            say("calls", confinement.confineCalls().orElse("filtered"));
            before.submit(() -> { // a thread that was there before
                attempt("then write what was open", () -> open.write(bytes("end")));
                attempt("then read mine", () -> Files.readString(mine));
                attempt("then write mine", () -> Files.writeString(mine, "new"));
                attempt("then read others", () -> Files.readString(others));
                attempt("then start a program", () -> ProcessImage.replace("/bin/true", List.of(bytes("true"))));
                attempt("then start a process", () -> new ProcessBuilder("/bin/true").start());
                attempt("then listen", () -> new ServerSocket(0).close());
                attempt("then start a thread", () -> Thread.ofPlatform().start(() -> {}).join());
            }).get();
            System.gc();
            say("machine", machine.run().toString());
        }
        System.exit(0);
    }

    private static void attempt(String what, Attempt attempt) {
        try {
            attempt.make();
            say(what, "yes");
        } catch (Exception e) {
            say(what, "no: " + e.toString().lines().findFirst().orElseThrow());
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void say(String what, String result) {
        System.out.println(what + ": " + result);
    }
}
