package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
import io.kahvem.host.Mapping;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Doorbells;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.hypervisor.VmOptions.KernelIrqchip;
import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A virtual machine of the kernel's: memory slots, interrupts, and what its vCPUs share.
///
/// The kernel has the local APICs (KVM_CAP_SPLIT_IRQCHIP), or where it cannot, or by choice, they are ours ([OwnApics]); 8259 pair,
/// I/O APIC and PIT are the machine's.
final class KvmVm implements Vm {
    /// Guest-physical pages that Intel's processors without unrestricted guests need for real mode; no memory is there.
    private static final long IDENTITY_MAP = 0xfeff_c000L;

    private static final long TSS = 0xfeff_d000L;

    /// The Java engine's APIC timer counts at the same 25 MHz, so that a running timer means the same in both.
    private static final long APIC_BUS_CYCLE_NANOS = 40;

    private static final int FEWEST_ROUTES = 64;

    private final KvmSystem system;
    private final KvmFile file;
    private final GuestMemory memory;
    private final CpuModel model;
    private final Cpuid supported;
    private final int[] msrIndices;
    private final int runBytes;
    private final int xsaveBytes;
    private final boolean deadlineTimer;
    private final boolean softwareOnly;

    /// Messages to the kernel's APICs, and null where they are ours.
    private final @Nullable Messages messages;

    /// Our APICs, or null where the kernel has them.
    private final @Nullable OwnApics ownApics;

    private final MemorySlots slots;
    private final @Nullable KvmDoorbells doorbells;
    private final @Nullable Watchdog watchdog;
    private final List<KvmVcpu> vcpus = new CopyOnWriteArrayList<>();

    /// The level of the 8259 pair's INTR.
    private volatile boolean intr;

    private volatile boolean closed;

    /// Of the one thread that stops and starts it.
    private boolean timeStopped;

    private long keptClockNanos;

    /// Takes over `system`.
    static KvmVm create(KvmSystem system, GuestMemory memory, CpuModel model, boolean softwareOnly, VmOptions options) {
        KvmFile vm = null;
        try {
            vm = system.createVm();
            return new KvmVm(system, vm, memory, model, softwareOnly, options);
        } catch (RuntimeException | Error e) {
            if (vm != null) vm.close();
            system.close();
            throw e;
        }
    }

    private KvmVm(KvmSystem system, KvmFile file, GuestMemory memory, CpuModel model, boolean softwareOnly, VmOptions options) {
        this.system = system;
        this.file = file;
        this.memory = memory;
        this.model = model;
        this.softwareOnly = softwareOnly;
        int most = system.file().check(Capability.MAX_VCPUS);
        if (most > 0 && model.vcpus() > most) {
            throw new HypervisorException("this host's KVM has at most %d vCPUs a machine, not %d".formatted(most, model.vcpus()));
        }
        if (file.has(Capability.SET_IDENTITY_MAP_ADDR)) setIdentityMap();
        if (file.has(Capability.SET_TSS_ADDR)) file.request(Request.KVM_SET_TSS_ADDR, TSS, "place the task state segment");
        boolean kernelApics = inKernel(options.kernelIrqchip());
        if (kernelApics) splitIrqchip();
        supported = system.supportedCpuid();
        msrIndices = allMsrs(system.msrIndices());
        runBytes = system.runBytes();
        xsaveBytes = Math.max((int) Structs.XSAVE.byteSize(), file.check(Capability.XSAVE2));
        deadlineTimer = file.has(Capability.TSC_DEADLINE_TIMER);
        messages = kernelApics ? new Messages(file, Math.max(FEWEST_ROUTES, file.check(Capability.IRQ_ROUTING))) : null;
        ownApics = kernelApics ? null : new OwnApics(model);
        slots = new MemorySlots(file, memory, options.dirtyRingEntries());
        doorbells = messages != null && KvmSystem.hasDoorbells(file) ? new KvmDoorbells(file, messages) : null;
        watchdog = softwareOnly ? Watchdog.start(vcpus) : null;
    }

    /// As asked, and where nothing is, as the kernel can: before Linux 4.5 it could not have the local APICs alone.
    private boolean inKernel(Optional<KernelIrqchip> asked) {
        if (asked.isPresent() && asked.get() == KernelIrqchip.SPLIT) {
            require(Capability.SPLIT_IRQCHIP);
            require(Capability.SIGNAL_MSI);
        }
        return asked.map(irqchip -> irqchip == KernelIrqchip.SPLIT)
                .orElseGet(() -> KvmSystem.hasApics(file));
    }

    private void splitIrqchip() {
        enable(Capability.SPLIT_IRQCHIP, IrqRoutes.IOAPIC_PINS, "split the interrupt controllers");
        if (file.has(Capability.X86_APIC_BUS_CYCLES_NS)) {
            enable(Capability.X86_APIC_BUS_CYCLES_NS, APIC_BUS_CYCLE_NANOS, "set the APIC timer's rate");
        }
    }

    private void require(Capability capability) {
        if (file.has(capability)) return;
        String lacks = "this host's KVM lacks KVM_CAP_%s, which kernel-irqchip=split needs\n  kernel-irqchip=off does without.";
        throw new HypervisorException(lacks.formatted(capability));
    }

    private void enable(Capability capability, long argument, String trying) {
        try (Arena arena = Arena.ofConfined()) {
            Struct request = Struct.allocate(arena, Structs.ENABLE_CAP).set("cap", capability.number).set("args[0]", argument);
            file.request(Request.KVM_ENABLE_CAP, request.address(), trying);
        }
    }

    private void setIdentityMap() {
        try (Arena arena = Arena.ofConfined()) {
            long argument = arena.allocateFrom(ValueLayout.JAVA_LONG, IDENTITY_MAP).address();
            file.request(Request.KVM_SET_IDENTITY_MAP_ADDR, argument, "place the identity-mapped page table");
        }
    }

    private static int[] allMsrs(int[] listed) {
        return IntStream.concat(Arrays.stream(listed), Arrays.stream(Msrs.MEMORY_TYPES))
                .distinct()
                .toArray();
    }

    @Override
    public Vcpu createVcpu(int apicId) {
        int fd = file.request(Request.KVM_CREATE_VCPU, apicId, "create vCPU " + apicId);
        KvmFile vcpuFile = new KvmFile(new Descriptor(fd, "KVM vCPU " + apicId));
        Mapping run = null;
        try {
            run = vcpuFile.descriptor().map(0, runBytes);
            setTscRate(vcpuFile);
            Cpuid cpuid = supported.forVcpu(apicId, model, deadlineTimer && ownApics == null);
            if (ownApics != null) cpuid = cpuid.withoutKernelApic();
            try (Arena arena = Arena.ofConfined()) {
                vcpuFile.request(Request.KVM_SET_CPUID2, cpuid.write(arena).address(), "set what vCPU " + apicId + " can do");
            }
            RunPage page = new RunPage(run);
            Kicker kicker = new Kicker(page);
            OwnApic apic = ownApics == null ? null : new OwnApic(apicId, ownApics, page, kicker);
            VcpuStates states = new VcpuStates(vcpuFile, supported, msrIndices, xsaveBytes, apic);
            KvmVcpu vcpu = new KvmVcpu(this, apicId, vcpuFile, page, kicker, states, apic);
            slots.vcpuCreated(vcpuFile);
            vcpus.add(vcpu);
            return vcpu;
        } catch (RuntimeException | Error e) {
            if (run != null) run.close();
            vcpuFile.close();
            throw e;
        }
    }

    /// The model's rate where the processor can scale its counter, else the host's.
    private void setTscRate(KvmFile vcpu) {
        if (!file.has(Capability.TSC_CONTROL)) return;
        vcpu.request(Request.KVM_SET_TSC_KHZ, model.tscKhz(), "set the rate of the time-stamp counter");
    }

    @Override
    public void sendMsi(long address, int data) {
        if (ownApics != null) ownApics.bus().sendMsi(address, data);
        if (messages != null) messages.send(address, data);
    }

    @Override
    public void setIntr(boolean level) {
        intr = level;
        if (ownApics != null) ownApics.bus().setIntr(level);
        if (!level || ownApics != null) return;
        for (KvmVcpu vcpu : vcpus) vcpu.intrRaised();
    }

    @Override
    public void injectNmi() {
        if (ownApics != null) {
            ownApics.bus().pulseNmi();
            return;
        }
        for (KvmVcpu vcpu : vcpus) {
            if (vcpu.apicId() == 0) vcpu.pulseNmi();
        }
    }

    @Override
    public void stopTime() {
        if (timeStopped) return;
        timeStopped = true;
        if (ownApics != null) ownApics.stopTime();
        vcpus.forEach(KvmVcpu::keepTsc);
        keptClockNanos = clockNanos();
    }

    @Override
    public void startTime() {
        if (!timeStopped) return;
        timeStopped = false;
        setClockNanos(keptClockNanos);
        vcpus.forEach(KvmVcpu::restoreTsc);
        if (ownApics != null) ownApics.startTime();
    }

    @Override
    public void setDirtyLogging(boolean on) {
        slots.setDirtyLogging(on);
    }

    @Override
    public BitSet takeDirtyPages(MemorySlot slot) {
        return slots.takeDirtyPages(slot);
    }

    @Override
    public long clockNanos() {
        try (Arena arena = Arena.ofConfined()) {
            Struct clock = Struct.allocate(arena, Structs.CLOCK_DATA);
            file.request(Request.KVM_GET_CLOCK, clock.address(), "read the machine's clock");
            return clock.get("clock");
        }
    }

    @Override
    public void setClockNanos(long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            Struct clock = Struct.allocate(arena, Structs.CLOCK_DATA).set("clock", nanos);
            file.request(Request.KVM_SET_CLOCK, clock.address(), "set the machine's clock");
        }
    }

    /// None with APICs of ours: the kernel's irqfds end in its own.
    @Override
    public Optional<Doorbells> doorbells() {
        return Optional.ofNullable(doorbells);
    }

    boolean intr() {
        return intr;
    }

    GuestMemory memory() {
        return memory;
    }

    boolean softwareOnly() {
        return softwareOnly;
    }

    MemorySlots slots() {
        return slots;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        if (watchdog != null) watchdog.close();
        if (ownApics != null) ownApics.close();
        vcpus.forEach(KvmVcpu::close);
        slots.close();
        file.close();
        system.close();
    }

    /// Messages to the local APICs. One lock, the last in every order.
    static final class Messages {
        private final KvmFile vm;
        private final IrqRoutes routes;
        private final Struct msi = Struct.allocate(Arena.ofAuto(), Structs.MSI);

        Messages(KvmFile vm, int capacity) {
            this.vm = vm;
            this.routes = new IrqRoutes(vm, capacity);
        }

        /// A message that no APIC takes is lost, as on hardware.
        synchronized void send(long address, int data) {
            if (IrqRoutes.isLevel(data)) routes.expectEnd(address, data);
            msi.set("address_lo", address).set("address_hi", address >>> 32).set("data", data);
            vm.attempt(Request.KVM_SIGNAL_MSI, msi.address());
        }

        synchronized int addRoute(long address, int data) {
            return routes.add(address, data);
        }

        synchronized void removeRoute(int gsi) {
            routes.remove(gsi);
        }
    }
}
