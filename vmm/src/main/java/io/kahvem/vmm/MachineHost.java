package io.kahvem.vmm;

import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import io.kahvem.host.EventLoops;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.Hypervisor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.Thread.UncaughtExceptionHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.function.Supplier;

/// What a machine takes from the host; tests give it things of their own.
///
/// @param loops makes the machine's event loop, whose clock is the guest's; what a task throws goes to the handler
/// @param engines those there are, whether they can run here or not
/// @param seed makes the random bytes that a guest starts its own random numbers with
public record MachineHost(
        HostMemory memory, Function<UncaughtExceptionHandler, EventLoop> loops, List<Hypervisor> engines, Supplier<byte[]> seed) {
    private static final int SEED_BYTES = 32;

    /// This host, with every engine that is on the module path.
    public static MachineHost system() {
        // By the layer where there is one: the class path, which is searched otherwise, has nothing then.
        ModuleLayer layer = MachineHost.class.getModule().getLayer();
        ServiceLoader<Hypervisor> loader =
                layer == null ? ServiceLoader.load(Hypervisor.class) : ServiceLoader.load(layer, Hypervisor.class);
        List<Hypervisor> engines = loader.stream().map(ServiceLoader.Provider::get).toList();
        return new MachineHost(HostMemory.system(), handler -> EventLoops.start(Clock.SYSTEM, "devices", handler), engines,
                MachineHost::randomBytes);
    }

    /// From the kernel where it has a file for it, which a machine has at once; Java's generators take tens of milliseconds to find.
    private static byte[] randomBytes() {
        try (InputStream kernel = Files.newInputStream(Path.of("/dev/urandom"))) {
            byte[] bytes = kernel.readNBytes(SEED_BYTES);
            if (bytes.length == SEED_BYTES) return bytes;
        } catch (IOException none) {
            // Not every system has it.
        }
        byte[] bytes = new byte[SEED_BYTES];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }
}
