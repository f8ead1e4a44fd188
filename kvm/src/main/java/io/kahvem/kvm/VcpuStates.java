package io.kahvem.kvm;

import static io.kahvem.kvm.abi.Constants.KVM_MP_STATE_HALTED;
import static io.kahvem.kvm.abi.Constants.KVM_MP_STATE_INIT_RECEIVED;
import static io.kahvem.kvm.abi.Constants.KVM_MP_STATE_RUNNABLE;
import static io.kahvem.kvm.abi.Constants.KVM_MP_STATE_UNINITIALIZED;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.Words;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.DescriptorTable;
import io.kahvem.hypervisor.CpuState.Event;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Fields;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A vCPU's state in the form all engines share, and back. The vCPU's own thread, outside KVM_RUN and with no access of the guest half
/// done ([KvmVcpu#run] returns only so).
final class VcpuStates {
    /// KVM's names of [CpuState#gpr], and of [CpuState#segments].
    private static final String[] GPRS = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
    };

    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};

    private static final int X2APIC_MODE = 1 << 10;
    private static final int APIC_ID = 0x20;
    private static final int TPR = 0x80;
    private static final int XSTATE_BV = 512;
    private static final int LEGACY_BYTES = 512;
    /// SDM Vol. 3A, Table 10-1; the tag word, abridged as FXSAVE does: no register is empty.
    private static final int FCW_RESET = 0x40;

    private static final int FTW = 4;
    private static final int FTW_RESET = 0xff;
    private static final int MXCSR_RESET = 0x1f80;
    private static final int MXCSR = 24;
    private static final int UNUSABLE = 1 << 16;
    private static final long EFER_LMA = 1 << 10;
    private static final long CR0_CD_NW = 0x6000_0000L;
    private static final long CR0_ET = 0x10;
    private static final long SUPPORTED_COMPONENTS_AFTER_RESET = 1;
    private static final long EVENTS_FLAGS = Fields.offset(Structs.VCPU_EVENTS, "flags");
    private static final long INTERRUPT_INJECTED = Fields.offset(Structs.VCPU_EVENTS, "interrupt.injected");
    private static final long INTERRUPT_NR = Fields.offset(Structs.VCPU_EVENTS, "interrupt.nr");
    private static final long INTERRUPT_SOFT = Fields.offset(Structs.VCPU_EVENTS, "interrupt.soft");

    private final KvmFile vcpu;
    private final Cpuid cpuid;
    private final Msrs msrs;
    private final int[] indices;
    private final int xsaveBytes;
    private final Map<Integer, Long> resetMsrs;
    private final byte[] resetApic;
    private final long resetApicBase;
    private final @Nullable OwnApic own;

    // For what is done at interrupts, which allocates nothing.
    private final Struct events = Struct.allocate(Arena.ofAuto(), Structs.VCPU_EVENTS);
    private final Struct runnable = Struct.allocate(Arena.ofAuto(), Structs.MP_STATE).set("mp_state", KVM_MP_STATE_RUNNABLE);

    /// Of a vCPU that has not run: the state it is in is the one after a reset. `own` is null where the kernel has the local APIC.
    VcpuStates(KvmFile vcpu, Cpuid cpuid, int[] indices, int xsaveBytes, @Nullable OwnApic own) {
        this.vcpu = vcpu;
        this.own = own;
        this.cpuid = cpuid;
        this.indices = indices;
        this.xsaveBytes = xsaveBytes;
        this.msrs = new Msrs(vcpu);
        this.resetMsrs = msrs.get(indices);
        resetMsrs.put(Msrs.IA32_TSC, 0L);
        resetMsrs.put(Msrs.IA32_TSC_ADJUST, 0L);
        try (Arena arena = Arena.ofConfined()) {
            resetApicBase = own != null
                    ? own.registers().resetBase() : read(arena, Request.KVM_GET_SREGS, Structs.SREGS).get("apic_base");
            resetApic = apicPage(arena, false);
        }
    }

    CpuState get() {
        CpuState state = new CpuState();
        try (Arena arena = Arena.ofConfined()) {
            state.activity = own != null ? own.activity() : activity(arena); // first: the kernel now takes INIT and SIPI that have come
            Struct regs = read(arena, Request.KVM_GET_REGS, Structs.REGS);
            for (int n = 0; n < GPRS.length; n++) state.gpr[n] = regs.get(GPRS[n]);
            state.rip = regs.get("rip");
            state.rflags = regs.get("rflags");
            Struct sregs = read(arena, Request.KVM_GET_SREGS, Structs.SREGS);
            getSystemRegisters(sregs, state);
            Struct debug = read(arena, Request.KVM_GET_DEBUGREGS, Structs.DEBUGREGS);
            for (int n = 0; n < 4; n++) state.dr[n] = debug.get("db[" + n + "]");
            state.dr[4] = debug.get("dr6");
            state.dr[5] = debug.get("dr7");
            state.msrs.putAll(msrs.get(indices));
            state.msrs.put(Msrs.IA32_EFER, sregs.get("efer"));
            state.msrs.put(Msrs.IA32_APIC_BASE, sregs.get("apic_base"));
            getExtended(arena, state);
            getEvents(read(arena, Request.KVM_GET_VCPU_EVENTS, Structs.VCPU_EVENTS), state);
            state.apicPage = apicPage(arena, (sregs.get("apic_base") & X2APIC_MODE) != 0);
        }
        return state;
    }

    private CpuState.Activity activity(Arena arena) {
        return switch (read(arena, Request.KVM_GET_MP_STATE, Structs.MP_STATE).getInt("mp_state")) {
            case KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED -> CpuState.Activity.WAIT_FOR_SIPI;
            case KVM_MP_STATE_HALTED -> CpuState.Activity.HALTED;
            default -> CpuState.Activity.RUNNING;
        };
    }

    private static void getSystemRegisters(Struct sregs, CpuState state) {
        for (int n = 0; n < SEGMENTS.length; n++) state.segments[n] = segment(sregs.part(SEGMENTS[n]));
        state.tr = segment(sregs.part("tr"));
        state.ldtr = segment(sregs.part("ldt"));
        state.gdtr = new DescriptorTable(sregs.get("gdt.base"), sregs.getInt("gdt.limit"));
        state.idtr = new DescriptorTable(sregs.get("idt.base"), sregs.getInt("idt.limit"));
        state.cr0 = sregs.get("cr0");
        state.cr2 = sregs.get("cr2");
        state.cr3 = sregs.get("cr3");
        state.cr4 = sregs.get("cr4");
    }

    private static Segment segment(Struct s) {
        int attributes = s.getInt("type") | s.getInt("s") << 4 | s.getInt("dpl") << 5 | s.getInt("present") << 7
                | s.getInt("avl") << 12 | s.getInt("l") << 13 | s.getInt("db") << 14 | s.getInt("g") << 15
                | (s.isSet("unusable") ? UNUSABLE : 0);
        return new Segment(s.getInt("selector"), s.get("base"), s.getInt("limit"), attributes);
    }

    /// XCR0 and, of the XSAVE area, as much as XCR0's features need.
    private void getExtended(Arena arena, CpuState state) {
        Struct xcrs = Struct.allocate(arena, Structs.XCRS);
        if (vcpu.attempt(Request.KVM_GET_XCRS, xcrs.address()) >= 0 && xcrs.getInt("nr_xcrs") > 0) {
            state.xcr0 = xcrs.get("xcrs[0].value");
        }
        MemorySegment area = arena.allocate(xsaveBytes, 64);
        Request request = xsaveBytes > Structs.XSAVE.byteSize() ? Request.KVM_GET_XSAVE2 : Request.KVM_GET_XSAVE;
        vcpu.request(request, area.address(), "read a vCPU's XSAVE state");
        // x87 and SSE are there whether XCR0 names them or not: XCR0 is for XSAVE.
        long components = state.xcr0 | 3;
        area.set(ValueLayout.JAVA_LONG, XSTATE_BV, area.get(ValueLayout.JAVA_LONG, XSTATE_BV) & components);
        state.xsave = area.asSlice(0, Math.min(xsaveBytes, cpuid.xsaveBytes(components))).toArray(ValueLayout.JAVA_BYTE);
    }

    private void getEvents(Struct events, CpuState state) {
        state.nmiBlocked = events.isSet("nmi.masked");
        state.nmiPending = events.isSet("nmi.pending") || own != null && (own.registers().events() & LocalApic.EVENT_NMI) != 0;
        state.interruptShadow = events.isSet("interrupt.shadow");
        if (events.isSet("exception.injected") || events.isSet("exception.pending")) {
            long code = events.isSet("exception.has_error_code") ? events.get("exception.error_code") : Event.NO_ERROR_CODE;
            state.event = new Event(Event.Kind.EXCEPTION, events.getInt("exception.nr"), code);
        } else if (events.isSet("interrupt.injected")) {
            Event.Kind kind = events.isSet("interrupt.soft") ? Event.Kind.SOFTWARE_INTERRUPT : Event.Kind.EXTERNAL_INTERRUPT;
            state.event = new Event(kind, events.getInt("interrupt.nr"), Event.NO_ERROR_CODE);
        } else if (events.isSet("nmi.injected")) {
            state.event = new Event(Event.Kind.NMI, 2, Event.NO_ERROR_CODE);
        }
    }

    /// The kernel keeps the ID in bits 31-24 in both modes; an x2APIC's register is the whole ID.
    private byte[] apicPage(Arena arena, boolean x2apic) {
        if (own != null) return own.registers().save();
        MemorySegment regs = read(arena, Request.KVM_GET_LAPIC, Structs.LAPIC_STATE).segment();
        if (x2apic) regs.set(ValueLayout.JAVA_INT, APIC_ID, regs.get(ValueLayout.JAVA_INT, APIC_ID) >>> 24);
        return Arrays.copyOf(regs.toArray(ValueLayout.JAVA_BYTE), 4096);
    }

    long tsc() {
        return msrs.get(new int[] {Msrs.IA32_TSC}).getOrDefault(Msrs.IA32_TSC, 0L);
    }

    void setTsc(long ticks) {
        msrs.set(Map.of(Msrs.IA32_TSC, ticks));
    }

    void set(CpuState state) {
        try (Arena arena = Arena.ofConfined()) {
            Map<Integer, Long> wanted = new TreeMap<>(resetMsrs);
            wanted.putAll(state.msrs);
            long apicBase = state.msrs.getOrDefault(Msrs.IA32_APIC_BASE, resetApicBase);
            byte[] apic = state.apicPage.length == 0 ? resetApic : state.apicPage;
            setSystemRegisters(arena, state, wanted.getOrDefault(Msrs.IA32_EFER, 0L), apicBase, apic);
            Struct regs = Struct.allocate(arena, Structs.REGS);
            for (int n = 0; n < GPRS.length; n++) regs.set(GPRS[n], state.gpr[n]);
            write(Request.KVM_SET_REGS, regs.set("rip", state.rip).set("rflags", state.rflags));
            setExtended(arena, state);
            // Those of the system registers are set; the deadline waits for the APIC's mode.
            wanted.keySet().removeAll(List.of(
                    Msrs.IA32_EFER, Msrs.IA32_APIC_BASE, Msrs.IA32_TSC_DEADLINE, Msrs.IA32_FS_BASE, Msrs.IA32_GS_BASE));
            msrs.set(wanted);
            Struct debug = Struct.allocate(arena, Structs.DEBUGREGS);
            for (int n = 0; n < 4; n++) debug.set("db[" + n + "]", state.dr[n]);
            write(Request.KVM_SET_DEBUGREGS, debug.set("dr6", state.dr[4]).set("dr7", state.dr[5]));
            if (own != null) {
                own.restore(apicBase, apic, state);
                setEvents(arena, state);
                return; // the kernel knows such a vCPU as running
            }
            setApic(arena, apic, (apicBase & X2APIC_MODE) != 0);
            msrs.set(Map.of(Msrs.IA32_TSC_DEADLINE, state.msrs.getOrDefault(Msrs.IA32_TSC_DEADLINE, 0L)));
            setEvents(arena, state);
            int activity = switch (state.activity) {
                case RUNNING -> KVM_MP_STATE_RUNNABLE;
                case HALTED -> KVM_MP_STATE_HALTED;
                case WAIT_FOR_SIPI -> KVM_MP_STATE_INIT_RECEIVED; // where a SIPI is taken; UNINITIALIZED would wait for an INIT first
            };
            write(Request.KVM_SET_MP_STATE, Struct.allocate(arena, Structs.MP_STATE).set("mp_state", activity));
        }
    }

    private void setSystemRegisters(Arena arena, CpuState state, long efer, long apicBase, byte[] apic) {
        Struct sregs = Struct.allocate(arena, Structs.SREGS);
        for (int n = 0; n < SEGMENTS.length; n++) setSegment(sregs.part(SEGMENTS[n]), state.segments[n]);
        setSegment(sregs.part("tr"), state.tr);
        setSegment(sregs.part("ldt"), state.ldtr);
        sregs.set("gdt.base", state.gdtr.base()).set("gdt.limit", state.gdtr.limit());
        sregs.set("idt.base", state.idtr.base()).set("idt.limit", state.idtr.limit());
        sregs.set("cr0", state.cr0).set("cr2", state.cr2).set("cr3", state.cr3).set("cr4", state.cr4);
        sregs.set("cr8", apic[TPR] >> 4 & 0xf).set("efer", efer).set("apic_base", apicBase);
        write(Request.KVM_SET_SREGS, sregs);
    }

    private static void setSegment(Struct s, Segment segment) {
        int a = segment.attributes();
        s.set("base", segment.base()).set("limit", segment.limit()).set("selector", segment.selector());
        s.set("type", a & 0xf).set("s", a >> 4 & 1).set("dpl", a >> 5 & 3).set("present", a >> 7 & 1);
        s.set("avl", a >> 12 & 1).set("l", a >> 13 & 1).set("db", a >> 14 & 1).set("g", a >> 15 & 1);
        s.set("unusable", (a & UNUSABLE) != 0 || (a & 0x80) == 0);
    }

    private void setExtended(Arena arena, CpuState state) {
        Struct xcrs = Struct.allocate(arena, Structs.XCRS).set("nr_xcrs", 1);
        xcrs.set("xcrs[0].value", state.xcr0 == 0 ? SUPPORTED_COMPONENTS_AFTER_RESET : state.xcr0);
        int result = vcpu.attempt(Request.KVM_SET_XCRS, xcrs.address());
        // A host without XSAVE refuses; its guests have the value that stands for none.
        if (result < 0 && state.xcr0 != SUPPORTED_COMPONENTS_AFTER_RESET) {
            throw KvmFile.refused(Request.KVM_SET_XCRS, result, "set XCR0 to %#x".formatted(state.xcr0));
        }
        MemorySegment area = arena.allocate(xsaveBytes, 64);
        if (state.xsave.length > LEGACY_BYTES) {
            int bytes = Math.min(xsaveBytes, state.xsave.length);
            MemorySegment.copy(state.xsave, 0, area, ValueLayout.JAVA_BYTE, 0, bytes);
        } else {
            area.set(ValueLayout.JAVA_SHORT, 0, (short) FCW_RESET);
            area.set(ValueLayout.JAVA_BYTE, FTW, (byte) FTW_RESET);
            area.set(ValueLayout.JAVA_INT, MXCSR, MXCSR_RESET);
            area.set(ValueLayout.JAVA_LONG, XSTATE_BV, 3);
        }
        vcpu.request(Request.KVM_SET_XSAVE, area.address(), "set a vCPU's XSAVE state");
    }

    private void setApic(Arena arena, byte[] page, boolean x2apic) {
        Struct lapic = Struct.allocate(arena, Structs.LAPIC_STATE);
        MemorySegment regs = lapic.segment();
        MemorySegment.copy(page, 0, regs, ValueLayout.JAVA_BYTE, 0, (int) Math.min(page.length, regs.byteSize()));
        if (x2apic) regs.set(ValueLayout.JAVA_INT, APIC_ID, regs.get(ValueLayout.JAVA_INT, APIC_ID) << 24);
        write(Request.KVM_SET_LAPIC, lapic);
    }

    private void setEvents(Arena arena, CpuState state) {
        Struct events = Struct.allocate(arena, Structs.VCPU_EVENTS);
        events.set("flags", Constants.KVM_VCPUEVENT_VALID_NMI_PENDING | Constants.KVM_VCPUEVENT_VALID_SHADOW);
        events.set("nmi.masked", state.nmiBlocked).set("nmi.pending", state.nmiPending && own == null);
        events.set("interrupt.shadow", state.interruptShadow ? Constants.KVM_X86_SHADOW_INT_STI : 0);
        Event event = state.event;
        if (event != null) {
            switch (event.kind()) {
                case EXCEPTION -> {
                    events.set("exception.injected", 1).set("exception.nr", event.vector());
                    if (event.errorCode() != Event.NO_ERROR_CODE) {
                        events.set("exception.has_error_code", 1).set("exception.error_code", event.errorCode());
                    }
                }
                case EXTERNAL_INTERRUPT -> events.set("interrupt.injected", 1).set("interrupt.nr", event.vector());
                case SOFTWARE_INTERRUPT -> events.set("interrupt.injected", 1).set("interrupt.soft", 1).set("interrupt.nr", event.vector());
                case NMI -> events.set("nmi.injected", 1);
            }
        }
        write(Request.KVM_SET_VCPU_EVENTS, events);
    }

    /// Lets the vCPU take this interrupt next, one that it is ready for.
    ///
    /// With KVM_INTERRUPT the kernel's APICs keep such a vector where no state shows it, until the guest is entered: a vCPU that is kicked
    /// before would lose it.
    void interrupt(int vector) {
        vcpu.request(Request.KVM_GET_VCPU_EVENTS, events.address(), "look at a vCPU's events");
        Words.put8(events.address() + INTERRUPT_INJECTED, (byte) 1);
        Words.put8(events.address() + INTERRUPT_NR, (byte) vector);
        Words.put8(events.address() + INTERRUPT_SOFT, (byte) 0);
        Words.put32(events.address() + EVENTS_FLAGS, 0); // what may change at any time stays as it is: NMIs, INIT
        vcpu.request(Request.KVM_SET_VCPU_EVENTS, events.address(), "deliver an interrupt");
        vcpu.request(Request.KVM_SET_MP_STATE, runnable.address(), "end a HLT");
    }

    /// INIT: what it leaves as it was (SDM Vol. 3A, Table 10-1) is kept. The APIC has had its own.
    void init() {
        CpuState old = get();
        CpuState fresh = new CpuState();
        fresh.gpr[2] = cpuid.signature();
        fresh.cr0 = old.cr0 & CR0_CD_NW | CR0_ET;
        fresh.xcr0 = old.xcr0;
        fresh.xsave = old.xsave;
        fresh.msrs.putAll(old.msrs);
        fresh.msrs.put(Msrs.IA32_EFER, 0L);
        fresh.apicPage = old.apicPage;
        set(fresh);
    }

    /// SIPI: real mode at the page that the vector names.
    void startUp(int vector) {
        try (Arena arena = Arena.ofConfined()) {
            Struct sregs = systemRegisters(arena);
            sregs.part("cs").set("selector", vector << 8).set("base", (long) vector << 12);
            write(Request.KVM_SET_SREGS, sregs);
            write(Request.KVM_SET_REGS, registers(arena).set("rip", 0));
        }
    }

    boolean nmiBlocked() {
        try (Arena arena = Arena.ofConfined()) {
            return read(arena, Request.KVM_GET_VCPU_EVENTS, Structs.VCPU_EVENTS).isSet("nmi.masked");
        }
    }

    /// RIP, and the flags and registers that a spinning guest would change.
    Struct registers(Arena arena) {
        return read(arena, Request.KVM_GET_REGS, Structs.REGS);
    }

    long linearRip() {
        try (Arena arena = Arena.ofConfined()) {
            return linearRip(registers(arena), systemRegisters(arena));
        }
    }

    static long linearRip(Struct regs, Struct sregs) {
        boolean code64 = (sregs.get("efer") & EFER_LMA) != 0 && sregs.isSet("cs.l");
        return code64 ? regs.get("rip") : regs.get("rip") + sregs.get("cs.base") & 0xffff_ffffL;
    }

    Struct systemRegisters(Arena arena) {
        return read(arena, Request.KVM_GET_SREGS, Structs.SREGS);
    }

    private Struct read(Arena arena, Request request, StructLayout layout) {
        Struct struct = Struct.allocate(arena, layout);
        vcpu.request(request, struct.address(), "read a vCPU's state");
        return struct;
    }

    private void write(Request request, Struct struct) {
        vcpu.request(request, struct.address(), "set a vCPU's state");
    }
}
