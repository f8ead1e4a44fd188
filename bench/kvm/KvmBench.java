import io.kahvem.host.EventFd;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.memory.GuestMemory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.ServiceLoader;

/// The KVM engine's exits, kicks and doorbells beside a minimal C program (exits.c) with the same guests, in interleaved rounds, as a table
/// in Markdown; and beside QEMU's port exits, where there is a QEMU. Run by `bench/kvm/run [ROUNDS]`.
public final class KvmBench {
    private static final int CODE = 0x8000;
    private static final int HANDLER = 0x9000;
    private static final int RAM = 0xa_0000;
    private static final int EXITS = 20_000;
    private static final int EVENTS = 300;
    private static final byte[] OUT = bytes(0xe6, 0x10, 0xeb, 0xfc);
    private static final byte[] OUT_AND_COUNT = bytes(0xe6, 0x80, 0x66, 0x49, 0x75, 0xfa, 0xeb, 0xf8);
    private static final byte[] STORE = bytes(0xa2, 0, 0, 0xeb, 0xfb);
    private static final byte[] LOOP = bytes(0xeb, 0xfe);
    private static final byte[] WAIT = bytes(0x26, 0x66, 0xc7, 0x06, 0xf0, 0, 0xff, 1, 0, 0, 0xfb, 0xf4, 0xeb, 0xfd);
    private static final byte[] ANSWER = bytes(0x26, 0x66, 0xc7, 0x06, 0xb0, 0, 0, 0, 0, 0, 0xe6, 0x20, 0xcf);

    private final GuestMemory memory = new GuestMemory();
    private final Vm vm;
    private final Vcpu vcpu;
    private final EventFd bell = EventFd.create();
    private final EventFd line = EventFd.create();
    private final Counting io = new Counting();
    private volatile int returned;
    private volatile long returnedAt;
    private volatile boolean leave;
    private long allocated;
    private long allocatedOver;

    /// Counts accesses, and ends a round at the last.
    private final class Counting implements VmIo {
        private long left;

        @Override
        public long portRead(int port, int size) {
            return 0;
        }

        @Override
        public void portWrite(int port, int size, long value) {
            if (--left == 0) vcpu.kick();
        }

        @Override
        public long mmioRead(long gpa, int size) {
            return 0;
        }

        @Override
        public void mmioWrite(long gpa, int size, long value) {
            if (--left == 0) vcpu.kick();
        }

        @Override
        public int acknowledgeInterrupt() {
            return 0;
        }

        @Override
        public void endOfInterrupt(int vector) {}
    }

    private KvmBench() {
        Hypervisor kvm = ServiceLoader.load(Hypervisor.class).stream()
                .map(ServiceLoader.Provider::get).filter(engine -> engine.name().equals("kvm")).findFirst().orElseThrow();
        memory.add(0, HostMemory.system().map(RAM), false);
        memory.write(HANDLER, ANSWER);
        memory.write32(4 * 0x41, HANDLER);
        vm = kvm.createVm(memory, new CpuModel(1, 1_000_000));
        vcpu = vm.createVcpu(0);
        vm.doorbells().orElseThrow().onPortWrite(0x20, 1, OptionalLong.empty(), bell);
        vm.doorbells().orElseThrow().msiOn(line, 0xfee0_0000L, 0x41);
    }

    private void start(byte[] code) {
        memory.write(CODE, code);
        CpuState state = new CpuState();
        for (int n = 0; n < 6; n++) state.segments[n] = new Segment(0, 0, 0xffff, 0x93);
        state.segments[CpuState.CS] = new Segment(0, 0, 0xffff, 0x9b);
        state.segments[CpuState.DS] = new Segment(0, 0xb_8000, 0xffff, 0x93);
        state.segments[CpuState.ES] = new Segment(0, 0xfee0_0000L, 0xffff, 0x93);
        state.gpr[4] = 0x7000;
        state.rip = CODE;
        vcpu.setState(state);
    }

    /// Nanoseconds an exit.
    private double exits(byte[] code) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        start(code);
        io.left = EXITS;
        long bytes = threads.getCurrentThreadAllocatedBytes();
        long begin = System.nanoTime();
        vcpu.run(io);
        double nanos = (double) (System.nanoTime() - begin) / EXITS;
        allocated = threads.getCurrentThreadAllocatedBytes() - bytes;
        allocatedOver = EXITS;
        return nanos;
    }

    private void spin() {
        while (!leave) {
            vcpu.run(io);
            returnedAt = System.nanoTime();
            returned++;
        }
    }

    private static void pauseFor(long nanos) {
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) Thread.onSpinWait();
    }

    private double[] kicks(int count) throws InterruptedException {
        start(LOOP);
        leave = false;
        Thread runner = Thread.ofPlatform().start(this::spin);
        pauseFor(2_000_000);
        double[] times = new double[count];
        for (int n = 0; n < count; n++) {
            int before = returned;
            long begin = System.nanoTime();
            vcpu.kick();
            while (returned == before) Thread.onSpinWait();
            times[n] = returnedAt - begin;
            pauseFor(300_000);
        }
        end(runner);
        return times;
    }

    private double[] rings(int count) throws InterruptedException {
        start(WAIT);
        leave = false;
        Thread runner = Thread.ofPlatform().start(this::spin);
        pauseFor(20_000_000);
        double[] times = new double[count];
        for (int n = 0; n < count; n++) {
            long begin = System.nanoTime();
            line.signal();
            bell.await();
            times[n] = System.nanoTime() - begin;
            pauseFor(100_000);
        }
        end(runner);
        return times;
    }

    private void end(Thread runner) throws InterruptedException {
        leave = true;
        vcpu.kick();
        runner.join();
    }

    /// The C program, which answers a line with a line.
    private record Peer(Process process, Writer in, BufferedReader out) {
        static Peer start(String program) throws IOException {
            Process process = new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            return new Peer(process, process.outputWriter(), process.inputReader());
        }

        double[] ask(String question) throws IOException {
            in.write(question + "\n");
            in.flush();
            String line = out.readLine();
            if (line == null) throw new IOException("exits.c has ended");
            return Arrays.stream(line.strip().split(" ")).mapToDouble(Double::parseDouble).toArray();
        }
    }

    public static void main(String[] args) throws Exception {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 10;
        Peer c = Peer.start(args[0]);
        KvmBench java = new KvmBench();
        for (int n = 0; n < 3; n++) { // what the JIT compiler wants to see
            java.exits(OUT);
            java.exits(STORE);
        }
        java.kicks(2_000);
        java.rings(10_000);
        double[][] ours = new double[4][rounds];
        double[][] theirs = new double[4][rounds];
        long bytes = 0;
        long exits = 0;
        Qemu qemu = new Qemu();
        Path rom = Files.createTempFile("kvmbench", ".rom");
        for (int n = 0; n < rounds; n++) {
            qemu.round(rom, java);
            theirs[0][n] = c.ask("port " + EXITS)[0];
            ours[0][n] = java.exits(OUT);
            bytes += java.allocated;
            exits += java.allocatedOver;
            theirs[1][n] = c.ask("mmio " + EXITS)[0];
            ours[1][n] = java.exits(STORE);
            bytes += java.allocated;
            exits += java.allocatedOver;
            theirs[2][n] = median(c.ask("kick " + EVENTS));
            ours[2][n] = median(java.kicks(EVENTS));
            theirs[3][n] = median(c.ask("ring " + EVENTS));
            ours[3][n] = median(java.rings(EVENTS));
        }
        Files.delete(rom);
        c.in.close();
        System.out.printf("KVM engine beside a minimal C program, nanoseconds, %d interleaved rounds, %s%n%n", rounds, host());
        System.out.println("| | C best (median) | Kahvem best (median) | best/best | median/median | target |\n|---|---|---|---|---|---|");
        row("port exit", theirs[0], ours[0], "1.1");
        row("MMIO exit", theirs[1], ours[1], "1.2");
        row("kick, p50", theirs[2], ours[2], "2");
        row("irqfd to ioeventfd, p50", theirs[3], ours[3], "1.2");
        System.out.printf(Locale.ROOT, "%nAllocated: %d bytes in %d exits.%n", bytes, exits);
        System.out.println(qemu);
    }

    private static void row(String name, double[] theirs, double[] ours, String target) {
        Arrays.sort(theirs);
        Arrays.sort(ours);
        System.out.printf(Locale.ROOT, "| %s | %.0f (%.0f) | %.0f (%.0f) | %.2f | %.2f | %s |%n", name, theirs[0], median(theirs), ours[0],
                median(ours), ours[0] / theirs[0], median(ours) / median(theirs), target);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /// QEMU with a ROM that writes to port 80H as often as asked, then to isa-debug-exit; two counts, so that the start counts for nothing.
    private static final class Qemu {
        private static final int FEW = 1_000;
        private static final int MANY = 41_000;

        private double few = Double.MAX_VALUE;
        private double many = Double.MAX_VALUE;
        private double ours = Double.MAX_VALUE;
        private String missing = "";

        void round(Path rom, KvmBench java) throws Exception {
            if (!missing.isEmpty()) return;
            try {
                few = Math.min(few, qemuSeconds(rom, FEW));
                many = Math.min(many, qemuSeconds(rom, MANY));
                ours = Math.min(ours, java.exits(OUT_AND_COUNT));
            } catch (IOException none) {
                missing = String.valueOf(none.getMessage());
            }
        }

        @Override
        public String toString() {
            if (!missing.isEmpty()) return "QEMU is not compared: " + missing;
            return String.format(Locale.ROOT, "QEMU (accel=kvm), out, dec and jnz in real mode, start subtracted, best of the same rounds: %.0f ns an"
                    + " exit; Kahvem with the same loop: %.0f.", (many - few) * 1e9 / (MANY - FEW), ours);
        }
    }

    private static double qemuSeconds(Path rom, int count) throws Exception {
        ByteBuffer image = ByteBuffer.allocate(0x1_0000).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0, bytes(0x66, 0xb9)).putInt(2, count); // mov ecx, count
        image.put(6, bytes(0xe6, 0x80, 0x66, 0x49, 0x75, 0xfa, 0xb0, 0x10, 0xe6, 0xf4, 0xf4)); // out 80h, al; dec ecx; jnz; mov al, 10h; out f4h, al
        image.put(0xfff0, bytes(0xe9, 0x0d, 0x00)); // jmp to the beginning
        Files.write(rom, image.array());
        List<String> command = List.of("qemu-system-x86_64", "-machine", "pc,accel=kvm", "-cpu", "qemu64", "-m", "16", "-nodefaults", "-display",
                "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-bios", rom.toString());
        long begin = System.nanoTime();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        int status = process.waitFor();
        if (status != 33) throw new IOException("it ended with " + status + ": " + said.strip());
        return (System.nanoTime() - begin) / 1e9;
    }

    private static String host() throws IOException {
        String model = Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(l -> l.startsWith("model name")).findFirst().map(l -> l.replaceAll(".*: ", "")).orElse("unknown CPU");
        return model + ", Linux " + System.getProperty("os.version") + ", JDK " + System.getProperty("java.version");
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int n = 0; n < values.length; n++) bytes[n] = (byte) values[n];
        return bytes;
    }
}
