package io.kahvem.vmm;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockNode;
import io.kahvem.block.BlockStatistics;
import io.kahvem.block.Disk;
import io.kahvem.block.Throttle;
import io.kahvem.config.AccelOption;
import io.kahvem.config.Actions;
import io.kahvem.config.Boot;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.PanicAction;
import io.kahvem.devices.ByteSink;
import io.kahvem.devices.acpi.AcpiTables;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.chipset.HostBridge;
import io.kahvem.devices.chipset.I8042;
import io.kahvem.devices.chipset.IoApic;
import io.kahvem.devices.chipset.Key;
import io.kahvem.devices.chipset.MachineEvents;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.chipset.ShadowRam;
import io.kahvem.devices.firmware.FwCfg;
import io.kahvem.devices.vga.VgaCard;
import io.kahvem.devices.virtio.balloon.VirtioBalloon;
import io.kahvem.devices.virtio.transport.VirtioPci;
import io.kahvem.host.EventLoop;
import io.kahvem.host.Mapping;
import io.kahvem.host.OsThread;
import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.memory.GuestMemory;
import io.kahvem.vmm.RunControl.Next;
import io.kahvem.vmm.boot.BootImage;
import io.kahvem.vmm.boot.BootTarget;
import io.kahvem.vmm.boot.MemoryLayout;
import io.kahvem.vmm.boot.MemoryTypes;
import io.kahvem.vmm.control.MachineControl;
import io.kahvem.vmm.firmware.Firmware;
import io.kahvem.vmm.firmware.FirmwareFiles;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// One virtual machine, from its parts to its end.
///
/// ```java
/// try (Machine machine = Machine.create(config, console::put)) {
///     machine.start();
///     MachineResult result = machine.await();
/// }
/// ```
///
/// Threads: one for each vCPU (`vcpu-0` ...), one for the devices' timers, one (`machine`) that carries out resets and the end. All are
/// daemons: a machine ends with the JVM. Methods may be called from any thread but those.
///
/// While it is stopped ([#pause]) no vCPU runs and the guest's time stands still: its counters, its timers; the real-time clock goes on.
///
/// RAM keeps its content over a reset, as hardware's does (Linux' ramoops counts on that); the kernel is loaded again.
public final class Machine implements AutoCloseable {
    /// A tick a nanosecond, and any host's clock can tell it.
    private static final long TSC_KHZ = 1_000_000;

    /// Between these there is no RAM of the machine's: video memory, and what [ShadowRam] decides.
    private static final long VIDEO_MEMORY = 0xa_0000;
    private static final long EXTENDED = 0x10_0000;
    /// What PCI has above RAM.
    private static final long MMIO64_ALIGN = 1L << 30;
    private static final long MMIO64_END = 1L << 39;

    private static final int VGA_SLOT = 1;
    /// Below are PCI functions that have places of their own.
    private static final int FIRST_FREE_SLOT = 3;

    private final MachineConfig config;
    private final MachineHost host;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final Optional<BootImage> image;
    private final Optional<Firmware> firmware;
    private final MemoryLayout layout;
    private final GuestMemory memory = new GuestMemory();
    private final Engines.Choice choice;
    private final Hypervisor engine;
    private final Vm vm;
    /// The host's, whose time goes on.
    private final EventLoop hostLoop;
    /// The devices'.
    private final MachineLoop loop;
    private final PcChipset chipset;
    private final Optional<VgaCard> vga;
    private final SerialInput serialInput;
    private final Optional<VirtioBalloon> balloon;
    private final Disks disks;
    private final HotPlug hotPlug;
    private final List<Vcpu> vcpus = new ArrayList<>();
    private final List<StateRequests> stateRequests = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final RunControl control;
    private final AtomicLongArray vcpuThreadIds;
    private final MachineControl sockets;
    private final CompletableFuture<MachineResult> result = new CompletableFuture<>();
    private final List<Consumer<MachineEvent>> listeners = new CopyOnWriteArrayList<>();

    /// Written before a round starts, read by the vCPU threads in it.
    private volatile List<CpuState> states;

    private volatile Actions actions;

    private volatile int resets;
    private volatile long startNanos;
    private volatile long endNanos;
    private boolean started;
    private boolean closed;

    /// Puts the machine together, and what it boots into its memory. `serialOut` gets what the guest writes to its first serial line,
    /// on vCPU threads. Throws BootException for files that cannot be booted, HypervisorException or HostException where the host has not
    /// what it takes; nothing is left behind then.
    public static Machine create(MachineConfig config, ByteSink serialOut) {
        return create(config, serialOut, MachineHost.system());
    }

    public static Machine create(MachineConfig config, ByteSink serialOut, MachineHost host) {
        return create(config, serialOut, ByteSink.DISCARD, host);
    }

    /// @param debugOut gets what firmware writes to its debug port
    public static Machine create(MachineConfig config, ByteSink serialOut, ByteSink debugOut, MachineHost host) {
        return new Machine(config, serialOut, debugOut, host);
    }

    private Machine(MachineConfig config, ByteSink serialOut, ByteSink debugOut, MachineHost host) {
        this.config = config;
        this.host = host;
        this.actions = config.actions();
        this.vcpuThreadIds = new AtomicLongArray(config.cpus());
        try {
            switch (config.boot()) {
                case Boot.Kernel kernel -> {
                    image = Optional.of(part(BootImage.open(kernel)));
                    firmware = Optional.empty();
                }
                case Boot.Firmware named -> {
                    image = Optional.empty();
                    firmware = Optional.of(Firmware.open(named, host.memory()));
                }
            }
            firmware.ifPresent(this::part);
            choice = Engines.pick(config.accel(), host.engines());
            engine = choice.engine();
            layout = MemoryLayout.of(config.memoryBytes());
            Mapping low = part(host.memory().map(layout.lowBytes()));
            part(memory);
            memory.add(0, low.slice(0, VIDEO_MEMORY), false);
            memory.add(EXTENDED, low.slice(EXTENDED, layout.lowBytes() - EXTENDED), false);
            if (layout.highBytes() > 0) memory.add(MemoryLayout.HIGH_BASE, host.memory().map(layout.highBytes()), false);
            ShadowRam shadow = new ShadowRam(memory, low, firmware.map(Firmware::rom));
            if (firmware.isEmpty()) {
                for (int i = 0; i < ShadowRam.REGISTERS; i++) shadow.set(i, ShadowRam.ALL_RAM);
            }
            DescriptorSets files = part(new DescriptorSets(config.passedFiles()));
            disks = part(new Disks(config, files, (drive, open) -> tell(new MachineEvent.TrayMoved(drive, open))));
            FutureTask<List<CpuState>> loading = new FutureTask<>(this::load);
            Thread loader = Thread.ofPlatform().daemon().name("loader").start(loading);
            try {
                // What is put together here is mostly classes to load, and takes about as long as the kernel takes to unpack.
                vm = part(engine.createVm(memory, new CpuModel(config.cpus(), TSC_KHZ), options(config)));
                control = new RunControl(config.cpus());
                hostLoop = part(host.loops().apply((thread, thrown) -> fail(thrown)));
                loop = new MachineLoop(hostLoop);
                Optional<PcChipset.ForFirmware> forFirmware = firmware.map(f -> new PcChipset.ForFirmware(new FwCfg(memory), debugOut));
                chipset = new PcChipset(new PcChipset.Wiring(
                        loop, vm::sendMsi, vm::setIntr, serialOut, new Events(), shadow, forFirmware, config.debugExit(),
                        hasPci()));
                firmware.ifPresent(f -> f.map(memory, chipset.mmio()));
                chipset.rtc().setMemorySize(layout.lowBytes(), layout.highBytes());
                chipset.rtc().setFirmwareHints(config.cpus());
                forFirmware.ifPresent(with ->
                        Firmware.describe(with.fwCfg(), config, layout, chipset.hostBridge()::ecamBase, this::acpiLayout));
                vga = firmware.isPresent() ? Optional.of(plugVga()) : Optional.empty();
                if (hasPci()) disks.plugIn(chipset.pci(), memory, config.cpus());
                else disks.plugIn(chipset, memory, config.cpus());
                hotPlug = part(new HotPlug(chipset.pci(), FIRST_FREE_SLOT, config.pcieRootPorts(), memory, config.cpus()));
                forFirmware.ifPresent(with -> Firmware.order(with.fwCfg(), disks.bootOrder()));
                serialInput = new SerialInput(chipset.com1());
                balloon = config.management().balloon() ? Optional.of(fitBalloon()) : Optional.empty();
                for (int id = 0; id < config.cpus(); id++) {
                    vcpus.add(vm.createVcpu(id));
                    stateRequests.add(new StateRequests());
                }
            } finally {
                joinUninterruptibly(loader); // it writes memory that a failure would free
            }
            states = loaded(loading);
            sockets = part(new MachineControl(config.management().qmp(), files));
        } catch (Throwable e) {
            free();
            throw e;
        }
    }

    private boolean hasPci() {
        return switch (config.type()) {
            case Q35 -> true;
            case MICROVM -> false;
        };
    }

    private VirtioBalloon fitBalloon() {
        VirtioBalloon device = new VirtioBalloon(loop.clock(), config.memoryBytes(), bytes -> tell(new MachineEvent.BalloonChanged(bytes)));
        if (hasPci()) chipset.pci().addToFreeSlot(FIRST_FREE_SLOT, new VirtioPci(device, memory));
        else chipset.addVirtio(device, memory);
        return device;
    }

    /// The VGA card, in the slot after the host bridge's.
    private VgaCard plugVga() {
        Optional<byte[]> rom = FirmwareFiles.vgaRom().map(file -> Firmware.read("VGA option ROM", file));
        VgaCard card = new VgaCard(chipset.ports(), chipset.mmio(), memory, host.memory(), loop.clock(), rom);
        chipset.pci().add(VGA_SLOT, 0, card);
        return card;
    }

    private static VmOptions options(MachineConfig config) {
        AccelOption option = config.accelOption();
        VmOptions.Translation translation = option.translation().map(when -> switch (when) {
            case OFF -> VmOptions.Translation.OFF;
            case EARLY -> VmOptions.Translation.EARLY;
            case NORMAL -> VmOptions.Translation.NORMAL;
        }).orElse(VmOptions.DEFAULT.translation());
        return new VmOptions(translation, option.kernelIrqchip().map(irqchip -> switch (irqchip) {
            case SPLIT -> VmOptions.KernelIrqchip.SPLIT;
            case OFF -> VmOptions.KernelIrqchip.OFF;
        }), option.dirtyRingSize().orElse(VmOptions.DEFAULT.dirtyRingEntries()));
    }

    private static List<CpuState> loaded(FutureTask<List<CpuState>> loading) {
        return switch (loading.state()) {
            case SUCCESS -> loading.resultNow();
            case FAILED -> {
                switch (loading.exceptionNow()) {
                    case RuntimeException told -> throw told;
                    case Error bug -> throw bug;
                    case Throwable checked -> throw new AssertionError(checked);
                }
            }
            case RUNNING, CANCELLED -> throw new AssertionError("the loader has ended");
        };
    }

    private <T extends AutoCloseable> T part(T part) {
        parts.push(part);
        return part;
    }

    /// Starts the vCPUs and returns. A machine that is to start stopped waits for [#resume] then.
    public synchronized void start() {
        if (started) throw new IllegalStateException("this machine was started already");
        if (closed) throw new IllegalStateException("this machine is closed");
        started = true;
        startNanos = hostLoop.clock().nanoTime();
        boolean paused = this.config.management().paused();
        if (paused) {
            stopTime();
            control.beginPaused();
        }
        config.timeout().ifPresent(span -> hostLoop.schedule(startNanos + span.toNanos(), () -> end(new MachineResult.TimedOut(span))));
        for (int id = 0; id < vcpus.size(); id++) {
            int index = id;
            threads.add(Thread.ofPlatform().daemon().name("vcpu-" + id).start(() -> runVcpu(index)));
        }
        threads.add(Thread.ofPlatform().daemon().name("machine").start(this::supervise));
        sockets.serve(this);
    }

    /// Waits for the end of a machine that was started. An interrupt ends the wait, not the machine.
    public MachineResult await() throws InterruptedException {
        try {
            return result.get();
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        }
    }

    /// Starts the machine and waits for its end; an interrupt stops it.
    public MachineResult run() throws InterruptedException {
        start();
        try {
            return await();
        } catch (InterruptedException e) {
            stop();
            throw e;
        }
    }

    /// Completes when the machine has ended, on its own thread.
    public CompletableFuture<MachineResult> ended() {
        return result.copy();
    }

    /// Asks for the end; doesn't wait for it. What the guest has not written is lost, as when the plug is pulled. Also from a vCPU thread.
    public void stop() {
        stop(ShutdownCause.HOST_UI);
    }

    /// The same, for this reason.
    public void stop(ShutdownCause cause) {
        end(new MachineResult.Stopped(cause));
    }

    /// Stops the vCPUs and the guest's time, and returns when it is so: nothing but the host's side of the devices goes on. Twice does
    /// nothing. False if the machine ended meanwhile.
    public boolean pause() {
        requireStarted();
        requestPause(RunState.PAUSED);
        return control.awaitPaused();
    }

    /// Lets a machine that is stopped go on, and returns when it does; one that runs goes on anyway. False if it ended, or was stopped
    /// again at once.
    public boolean resume() {
        requireStarted();
        control.resume();
        return control.awaitResumed();
    }

    /// Asks for a reset, as the button of a PC does; where the machine is not to reboot, it ends. Doesn't wait. A machine that is stopped
    /// stays so.
    public void reset() {
        reset(ShutdownCause.HOST_QMP_SYSTEM_RESET);
    }

    /// Presses the ACPI power button; what follows is the guest's affair.
    public void powerButton() {
        tell(new MachineEvent.PowerDown());
        chipset.pressPowerButton();
    }

    /// Pulses the bootstrap processor's NMI input.
    public void injectNmi() {
        vm.injectNmi();
    }

    /// What the machine is doing.
    public RunState state() {
        return control.state();
    }

    /// What each disk has done, by the name the control socket has for it.
    public Map<String, BlockStatistics> diskStatistics() {
        return disks.statistics();
    }

    /// Limits how fast a disk may be used. Throws ConfigException where there is none of that name, or nothing in it.
    public void throttle(String disk, Throttle throttle) {
        disks.throttle(disk, throttle);
    }

    /// The disks and drives, by the names the control socket has for them.
    public Map<String, Drive> drives() {
        Map<String, Drive> all = disks.drives();
        all.putAll(hotPlug.drives());
        return all;
    }

    /// Throws ConfigException in QEMU's words where no such device can be plugged into that port.
    public void requireFree(String id, String port, HotDisk kind) {
        hotPlug.free(id, port, kind);
    }

    /// Plugs a disk into a root port, and tells the guest. Throws ConfigException as [#requireFree].
    ///
    /// @param id the device's name
    /// @param name what the disk is called among [#drives]
    /// @param serial the drive's serial number
    /// @param gone gets the disk's node, which is open, once the guest has given the device up, or has been reset after it was asked
    public void plug(String id, String port, HotDisk kind, String name, Disk disk, String serial, Consumer<BlockNode> gone) {
        hotPlug.plug(id, port, kind, name, disk, serial, gone);
    }

    /// Asks the guest to give a plugged device up. False where there is none of that name. Throws ConfigException where it has been asked.
    public boolean unplug(String id) {
        return hotPlug.unplug(id);
    }

    /// Gives a disk another size, and tells the guest. Throws ConfigException where there is none of that name, or nothing in it,
    /// BlockException where the image cannot be so large.
    public void resizeDisk(String disk, long sizeBytes) {
        disks.resize(disk, sizeBytes);
    }

    /// Presses keys of the keyboard, in this order, and lets them go in the opposite one when so much of the guest's time has passed.
    public void pressKeys(List<Key> keys, Duration hold) {
        I8042 keyboard = chipset.keyboard();
        for (Key key : keys) keyboard.key(key, true);
        loop.schedule(loop.clock().nanoTime() + hold.toNanos(), () -> keys.reversed().forEach(key -> keyboard.key(key, false)));
    }

    /// Reads guest-physical memory into the beginning of `to`; what is no RAM reads as zeros, and no device is asked.
    public void readMemory(long gpa, byte[] to, int length) {
        for (int done = 0; done < length; ) {
            long at = gpa + done;
            int part = (int) Math.min(length - done, GuestMemory.PAGE_SIZE - (at & GuestMemory.PAGE_SIZE - 1));
            if (memory.isRam(at, part)) {
                memory.read(at, to, done, part);
            } else {
                Arrays.fill(to, done, done + part, (byte) 0);
            }
            done += part;
        }
    }

    /// A copy of a vCPU's state; if it runs, of a moment soon. Throws IllegalStateException where the machine has ended.
    public CpuState cpuState(int index) {
        requireStarted();
        CompletableFuture<CpuState> answer = stateRequests.get(index).ask();
        vcpus.get(index).kick();
        control.look();
        try {
            return answer.join();
        } catch (CompletionException e) {
            throw new IllegalStateException("the machine has ended", e);
        }
    }

    /// Where a linear address of a vCPU in this state is in guest-physical memory, by the page tables as they are; -1 where nothing is
    /// mapped.
    public long physicalAddress(CpuState state, long linear) {
        return new Paging(memory, state).physical(linear);
    }

    /// Puts a disc into a CD-ROM drive, which owns it then, or takes out what is in it. Throws ConfigException for what is no drive.
    public void changeMedium(String drive, Optional<BlockBackend> disc) {
        disks.change(drive, disc);
        tell(new MachineEvent.TrayMoved(drive, disc.isEmpty()));
    }

    /// The memory balloon, if the machine has one.
    public Optional<VirtioBalloon> balloon() {
        return balloon;
    }

    /// The wall clock's reading, in seconds since 1970, when the machine's own clock read `nanos`, if it has not been stopped since.
    public long wallSeconds(long nanos) {
        return (loop.clock().wallNanos() - (loop.clock().nanoTime() - nanos)) / 1_000_000_000;
    }

    public MachineConfig config() {
        return config;
    }

    /// What the guest's reset, switching off and panic do from here on.
    public Actions actions() {
        return actions;
    }

    public void setActions(Actions given) {
        actions = given;
    }

    /// The operating system's numbers of the vCPUs' threads, in the vCPUs' order; 0 for one that has not begun.
    public List<Long> vcpuThreadIds() {
        return IntStream.range(0, vcpuThreadIds.length()).mapToObj(vcpuThreadIds::get).toList();
    }

    /// The names of the engines that can run on this host.
    public List<String> availableEngines() {
        return host.engines().stream()
                .filter(present -> present.availability() instanceof Availability.Available)
                .map(Hypervisor::name)
                .toList();
    }

    /// Tells `listener` what happens from here on. It is called on the machine's own threads, and neither waits nor calls the machine.
    public void listen(Consumer<MachineEvent> listener) {
        listeners.add(listener);
    }

    /// Where input for the guest's first serial line goes.
    public SerialInput serialInput() {
        return serialInput;
    }

    /// What its screen shows; empty where it has none.
    public Optional<VgaCard> vga() {
        return vga;
    }

    /// The guest's physical memory, until the machine is closed.
    public GuestMemory memory() {
        return memory;
    }

    /// The name of the engine that runs it.
    public String engineName() {
        return engine.name();
    }

    /// Where the engine is not the one most wanted: one line that says which it is and why.
    public Optional<String> engineRemark() {
        return choice.remark();
    }

    public MachineStatistics statistics() {
        IoBus ports = chipset.ports();
        IoBus mmio = chipset.mmio();
        long unclaimed = ports.unclaimedReads() + ports.unclaimedWrites() + mmio.unclaimedReads() + mmio.unclaimedWrites();
        long now = result.isDone() ? endNanos : hostLoop.clock().nanoTime();
        Duration running = startNanos == 0 ? Duration.ZERO : Duration.ofNanos(now - startNanos);
        List<Long> instructions = vcpus.stream().map(Vcpu::instructionsRetired).toList();
        return new MachineStatistics(engine.name(), instructions, running, resets, unclaimed, vm.counters());
    }

    /// Stops the machine if it runs, and frees all it has.
    @Override
    public void close() {
        synchronized (this) {
            if (closed) return;
            closed = true;
        }
        stop();
        serialInput.close();
        for (Thread thread : threads) joinUninterruptibly(thread);
        result.complete(new MachineResult.Stopped(ShutdownCause.HOST_UI)); // of a machine that was never started
        free();
    }

    /// Last made, first closed; one that cannot be closed doesn't keep the others open.
    private void free() {
        HypervisorException failure = null;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                failure = new HypervisorException("a part of the machine cannot be closed: " + e.getMessage(), e);
            }
        }
        if (failure != null) throw failure;
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    /// What ACPI's tables tell, with PCI configuration space at `ecamBase` (0 for where it is before anybody moves it).
    private AcpiTables.Layout acpiLayout(long ecamBase) {
        long highEnd = MemoryLayout.HIGH_BASE + layout.highBytes();
        long mmio64Start = highEnd + MMIO64_ALIGN - 1 & -MMIO64_ALIGN;
        return new AcpiTables.Layout(config.cpus(), AcpiTables.FIRMWARE_AREA_START, MemoryLayout.LOW_LIMIT, IoApic.DEFAULT_BASE,
                mmio64Start, Math.max(mmio64Start, MMIO64_END), ecamBase == 0 ? HostBridge.DEFAULT_ECAM : ecamBase);
    }

    /// Fills memory as it is when the bootstrap processor starts; gives the states that all of them start in.
    private List<CpuState> load() {
        CpuState bootstrap = image.map(this::loadKernel).orElseGet(CpuState::new);
        List<CpuState> all = new ArrayList<>();
        all.add(bootstrap);
        for (int id = 1; id < config.cpus(); id++) {
            CpuState waiting = new CpuState();
            waiting.activity = CpuState.Activity.WAIT_FOR_SIPI;
            all.add(waiting);
        }
        if (image.isPresent()) all.forEach(MemoryTypes::set);
        return List.copyOf(all);
    }

    private CpuState loadKernel(BootImage kernel) {
        AcpiTables acpi = hasPci() ? AcpiTables.build(acpiLayout(0)) : AcpiTables.withoutPci(config.cpus(), config.virtioDevices());
        for (AcpiTables.Placed table : acpi.tables()) memory.write(table.gpa(), table.bytes());
        return kernel.load(new BootTarget(memory, layout, acpi.rsdpGpa(), host.seed().get()));
    }

    /// The `machine` thread.
    private void supervise() {
        MachineResult how;
        try {
            how = runRounds();
            tell(new MachineEvent.Shutdown(how.shutdownCause()));
        } catch (Throwable e) {
            how = new MachineResult.HostFailure(e);
        }
        endNanos = hostLoop.clock().nanoTime();
        control.finish();
        serialInput.close();
        result.complete(how);
    }

    private MachineResult runRounds() {
        while (true) {
            switch (control.await()) {
                case Next.End end -> {
                    return end.how();
                }
                case Next.Reset reset -> {
                    chipset.reset();
                    firmware.ifPresent(Firmware::reset);
                    states = load();
                    resets++;
                    control.resetDone();
                    tell(new MachineEvent.Reset(reset.cause()));
                }
                case Next.Pause pause -> {
                    stopTime();
                    control.enter(pause.reason());
                    tell(new MachineEvent.Stopped());
                    control.pauseDone();
                }
                case Next.Resume ignored -> {
                    control.enter(RunState.RUNNING);
                    tell(new MachineEvent.Resumed());
                    startTime();
                    control.resumeDone();
                }
                case Next.Run ignored -> control.startRound();
            }
        }
    }

    private void stopTime() {
        loop.stopTime();
        vm.stopTime();
    }

    private void startTime() {
        vm.startTime();
        loop.startTime();
    }

    private void tell(MachineEvent event) {
        for (Consumer<MachineEvent> listener : listeners) listener.accept(event);
    }

    private synchronized void requireStarted() {
        if (!started) throw new IllegalStateException("this machine was not started");
    }

    /// A vCPU's thread.
    private void runVcpu(int index) {
        Vcpu vcpu = vcpus.get(index);
        ChipsetIo io = new ChipsetIo(chipset);
        StateRequests asked = stateRequests.get(index);
        int[] loaded = {-1};
        Runnable load = () -> {
            if (loaded[0] == resets) return; // after a pause it goes on as it is
            loaded[0] = resets;
            vcpu.setState(states.get(index));
        };
        vcpuThreadIds.set(index, OsThread.currentId());
        Runnable answer = () -> {
            load.run();
            asked.answer(vcpu::state);
        };
        for (int round = 1; control.awaitRound(round, asked::isWaitedFor, answer); round++) {
            try {
                load.run();
                while (!control.shouldLeave()) {
                    switch (vcpu.run(io)) {
                        case VmExit.Kicked ignored -> asked.answer(vcpu::state);
                        case VmExit.Debug ignored -> {} // nobody asks for it yet
                        case VmExit.Shutdown shutdown -> tripleFault(index, shutdown);
                        case VmExit.Fatal fatal -> fail(cannotGoOn(index, fatal));
                    }
                }
            } catch (Throwable e) {
                fail(e);
            }
            control.left();
        }
        asked.end();
    }

    private void tripleFault(int index, VmExit.Shutdown shutdown) {
        if (actions.noReboot()) {
            end(new MachineResult.TripleFault("vCPU %d: %s".formatted(index, shutdown.reason())));
        } else {
            reset(ShutdownCause.GUEST_RESET);
        }
    }

    private static HypervisorException cannotGoOn(int index, VmExit.Fatal fatal) {
        String bytes = HexFormat.ofDelimiter(" ").formatHex(fatal.bytes());
        return new HypervisorException("vCPU %d cannot go on: %s; in %s at rip %#x, bytes %s"
                .formatted(index, fatal.reason(), fatal.mode(), fatal.rip(), bytes));
    }

    private void fail(Throwable cause) {
        end(new MachineResult.HostFailure(cause));
    }

    private void end(MachineResult how) {
        control.end(how);
        vcpus.forEach(Vcpu::kick);
    }

    private void requestPause(RunState reason) {
        control.pause(reason);
        vcpus.forEach(Vcpu::kick);
    }

    private void reset(ShutdownCause cause) {
        if (actions.noReboot()) {
            end(new MachineResult.ResetRequested(cause));
        } else {
            control.reset(cause);
            vcpus.forEach(Vcpu::kick);
        }
    }

    /// What the guest asks for by the chipset, on vCPU threads.
    private final class Events implements MachineEvents {
        @Override
        public void powerOff() {
            switch (actions.shutdown()) {
                case POWEROFF -> end(new MachineResult.PoweredOff());
                case PAUSE -> {
                    tell(new MachineEvent.Shutdown(ShutdownCause.GUEST_SHUTDOWN));
                    requestPause(RunState.SHUTDOWN);
                }
            }
        }

        @Override
        public void reset() {
            Machine.this.reset(ShutdownCause.GUEST_RESET);
        }

        @Override
        public void debugExit(int value) {
            end(new MachineResult.DebugExit(value));
        }

        @Override
        public void guestPanicked() {
            PanicAction action = actions.panic();
            tell(new MachineEvent.Panicked(action));
            switch (action) {
                case NONE -> {}
                case PAUSE -> requestPause(RunState.GUEST_PANICKED);
                case SHUTDOWN -> end(new MachineResult.Panicked(false));
                case EXIT_FAILURE -> end(new MachineResult.Panicked(true));
            }
        }

        @Override
        public void crashLoaded() {
            tell(new MachineEvent.CrashLoaded());
        }
    }
}
