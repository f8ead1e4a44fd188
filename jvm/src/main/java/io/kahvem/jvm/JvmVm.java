package io.kahvem.jvm;

import io.kahvem.apic.ApicBus;
import io.kahvem.apic.TscClock;
import io.kahvem.host.Clock;
import io.kahvem.host.StoppableClock;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Vcpu;
import io.kahvem.hypervisor.Vm;
import io.kahvem.jvm.cpu.Entropy;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.interpret.CodeCache;
import io.kahvem.jvm.interpret.Spinner;
import io.kahvem.jvm.translate.Translator;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/// A virtual machine of the Java engine: what its vCPUs share.
final class JvmVm implements Vm, GuestMemory.SlotListener {
    private final GuestMemory memory;
    private final CpuModel model;
    private final StoppableClock time = new StoppableClock(Clock.SYSTEM);
    private final TscClock clock;
    private final Entropy entropy = new Entropy();
    private final ApicBus apics = new ApicBus();
    private final OpcodeMap opcodes;
    private final Spinner spinner = new Spinner();
    private final CodeCache code;
    private final Translator translator;
    private final List<JvmVcpu> vcpus = new CopyOnWriteArrayList<>();
    private final Standstill standstill = new Standstill(vcpus);
    private final AtomicLong revocations = new AtomicLong();
    private final AtomicLong slotChanges = new AtomicLong();

    /// When [#clockNanos] was 0.
    private volatile long clockOriginNanos;

    JvmVm(GuestMemory memory, CpuModel model, OpcodeMap opcodes, Translator.Policy policy) {
        this.opcodes = opcodes;
        this.memory = memory;
        this.model = model;
        this.clock = new TscClock(time, model.tscKhz());
        this.clockOriginNanos = clock.nanoTime();
        this.code = new CodeCache(memory);
        this.translator = new Translator(memory, code, opcodes, policy);
        memory.setCodeListener(code::codeWritten);
        memory.listen(this);
    }

    @Override
    public Vcpu createVcpu(int apicId) {
        JvmVcpu vcpu = new JvmVcpu(this, apicId);
        vcpus.add(vcpu);
        if (vcpus.size() > 1) translator.order();
        return vcpu;
    }

    @Override
    public void sendMsi(long address, int data) {
        apics.sendMsi(address, data);
    }

    @Override
    public void setIntr(boolean level) {
        apics.setIntr(level);
    }

    @Override
    public void injectNmi() {
        apics.pulseNmi();
    }

    @Override
    public void stopTime() {
        time.stop();
    }

    @Override
    public void startTime() {
        time.start();
    }

    @Override
    public void setDirtyLogging(boolean on) {
        memory.setDirtyLogging(on);
        revokeStores();
    }

    /// Bits first, then the right to store unseen: what is stored in between is there when this returns.
    @Override
    public BitSet takeDirtyPages(MemorySlot slot) {
        BitSet pages = slot.takeDirty();
        if (!pages.isEmpty()) revokeStores();
        return pages;
    }

    private void revokeStores() {
        long number = revocations.incrementAndGet();
        for (JvmVcpu vcpu : vcpus) vcpu.awaitNoStores(number);
    }

    /// No guest sees it here; it is kept for an engine whose guests do.
    @Override
    public long clockNanos() {
        return clock.nanoTime() - clockOriginNanos;
    }

    @Override
    public void setClockNanos(long nanos) {
        clockOriginNanos = clock.nanoTime() - nanos;
    }

    /// What was decoded there before was of no memory, or of a slot that is gone.
    @Override
    public void slotAdded(MemorySlot slot) {
        code.memoryChanged(slot.gpa(), slot.end());
    }

    /// Does not wait for the vCPUs: one may be waiting for the thread that removes the slot.
    @Override
    public void slotRemoved(MemorySlot slot) {
        slotChanges.incrementAndGet();
        revocations.incrementAndGet();
        for (JvmVcpu vcpu : vcpus) vcpu.slotRemoved();
        code.memoryChanged(slot.gpa(), slot.end());
    }

    @Override
    public SequencedMap<String, Long> counters() {
        LinkedHashMap<String, Long> counters = new LinkedHashMap<>();
        for (JvmVcpu vcpu : vcpus) vcpu.count(counters);
        translator.count(counters);
        counters.put("writes-to-code", code.writes());
        counters.put("standstills", standstill.count());
        return counters;
    }

    @Override
    public void close() {
        memory.endListening(this);
        translator.close();
        code.clear();
    }

    GuestMemory memory() {
        return memory;
    }

    CpuModel model() {
        return model;
    }

    TscClock clock() {
        return clock;
    }

    Entropy entropy() {
        return entropy;
    }

    ApicBus apics() {
        return apics;
    }

    OpcodeMap opcodes() {
        return opcodes;
    }

    Spinner spinner() {
        return spinner;
    }

    CodeCache code() {
        return code;
    }

    Translator translator() {
        return translator;
    }

    Standstill standstill() {
        return standstill;
    }

    List<JvmVcpu> vcpus() {
        return vcpus;
    }

    /// Counts the slots that were removed; changes before [#revocations].
    long slotChanges() {
        return slotChanges.get();
    }

    /// Counts what ends rights to access memory unseen, pages that became code above all; see [JvmVcpu].
    AtomicLong revocations() {
        return revocations;
    }
}
