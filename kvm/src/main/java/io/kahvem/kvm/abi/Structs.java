package io.kahvem.kvm.abi;

import static io.kahvem.kvm.abi.Fields.array;
import static io.kahvem.kvm.abi.Fields.pad;
import static io.kahvem.kvm.abi.Fields.struct;
import static io.kahvem.kvm.abi.Fields.u16;
import static io.kahvem.kvm.abi.Fields.u32;
import static io.kahvem.kvm.abi.Fields.u64;
import static io.kahvem.kvm.abi.Fields.u64s;
import static io.kahvem.kvm.abi.Fields.u8;
import static io.kahvem.kvm.abi.Fields.u8s;
import static io.kahvem.kvm.abi.Fields.union;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.StructLayout;
import java.util.List;

/// The structures of linux/kvm.h and asm/kvm.h that the engine uses, by their C names.
public final class Structs {
    // Memory

    public static final StructLayout USERSPACE_MEMORY_REGION = struct("kvm_userspace_memory_region",
            u32("slot"), u32("flags"), u64("guest_phys_addr"), u64("memory_size"), u64("userspace_addr"));

    public static final StructLayout DIRTY_LOG = struct("kvm_dirty_log", u32("slot"), pad(4), union(u64("dirty_bitmap")));

    public static final StructLayout DIRTY_GFN = struct("kvm_dirty_gfn", u32("flags"), u32("slot"), u64("offset"));

    // Interrupts

    public static final StructLayout MSI = struct("kvm_msi",
            u32("address_lo"), u32("address_hi"), u32("data"), u32("flags"), u32("devid"), u8s("pad", 12));

    public static final StructLayout IRQ_ROUTING = struct("kvm_irq_routing", u32("nr"), u32("flags"));

    public static final StructLayout IRQ_ROUTING_ENTRY = struct("kvm_irq_routing_entry",
            u32("gsi"), u32("type"), u32("flags"), u32("pad"),
            struct("u", union(
                    struct("msi", u32("address_lo"), u32("address_hi"), u32("data"), u32("devid")),
                    array("pad", 8, JAVA_INT))));

    public static final StructLayout IRQFD = struct("kvm_irqfd",
            u32("fd"), u32("gsi"), u32("flags"), u32("resamplefd"), u8s("pad", 16));

    public static final StructLayout IOEVENTFD = struct("kvm_ioeventfd",
            u64("datamatch"), u64("addr"), u32("len"), u32("fd"), u32("flags"), u8s("pad", 36));

    public static final StructLayout INTERRUPT = struct("kvm_interrupt", u32("irq"));

    public static final StructLayout LAPIC_STATE = struct("kvm_lapic_state", u8s("regs", 0x400));

    // Processors

    public static final StructLayout REGS = struct("kvm_regs",
            u64("rax"), u64("rbx"), u64("rcx"), u64("rdx"), u64("rsi"), u64("rdi"), u64("rsp"), u64("rbp"),
            u64("r8"), u64("r9"), u64("r10"), u64("r11"), u64("r12"), u64("r13"), u64("r14"), u64("r15"),
            u64("rip"), u64("rflags"));

    public static final StructLayout SREGS = struct("kvm_sregs",
            segment("cs"), segment("ds"), segment("es"), segment("fs"), segment("gs"), segment("ss"), segment("tr"), segment("ldt"),
            table("gdt"), table("idt"),
            u64("cr0"), u64("cr2"), u64("cr3"), u64("cr4"), u64("cr8"), u64("efer"), u64("apic_base"), u64s("interrupt_bitmap", 4));

    public static final StructLayout MSRS = struct("kvm_msrs", u32("nmsrs"), u32("pad"));

    public static final StructLayout MSR_ENTRY = struct("kvm_msr_entry", u32("index"), u32("reserved"), u64("data"));

    public static final StructLayout MSR_LIST = struct("kvm_msr_list", u32("nmsrs"));

    public static final StructLayout CPUID2 = struct("kvm_cpuid2", u32("nent"), u32("padding"));

    public static final StructLayout CPUID_ENTRY2 = struct("kvm_cpuid_entry2",
            u32("function"), u32("index"), u32("flags"), u32("eax"), u32("ebx"), u32("ecx"), u32("edx"),
            array("padding", 3, JAVA_INT));

    /// What KVM_GET_XSAVE and KVM_SET_XSAVE copy; KVM_GET_XSAVE2 may need more, as KVM_CAP_XSAVE2 tells.
    public static final StructLayout XSAVE = struct("kvm_xsave", u8s("region", 4096));

    public static final StructLayout XCRS = struct("kvm_xcrs",
            u32("nr_xcrs"), u32("flags"),
            array("xcrs", 16, struct("kvm_xcr", u32("xcr"), u32("reserved"), u64("value"))),
            u64s("padding", 16));

    public static final StructLayout VCPU_EVENTS = struct("kvm_vcpu_events",
            struct("exception", u8("injected"), u8("nr"), u8("has_error_code"), u8("pending"), u32("error_code")),
            struct("interrupt", u8("injected"), u8("nr"), u8("soft"), u8("shadow")),
            struct("nmi", u8("injected"), u8("pending"), u8("masked"), u8("pad")),
            u32("sipi_vector"), u32("flags"),
            struct("smi", u8("smm"), u8("pending"), u8("smm_inside_nmi"), u8("latched_init")),
            struct("triple_fault", u8("pending")),
            u8s("reserved", 26),
            u8("exception_has_payload"), u64("exception_payload"));

    public static final StructLayout DEBUGREGS = struct("kvm_debugregs",
            u64s("db", 4), u64("dr6"), u64("dr7"), u64("flags"), u64s("reserved", 9));

    public static final StructLayout MP_STATE = struct("kvm_mp_state", u32("mp_state"));

    public static final StructLayout GUEST_DEBUG = struct("kvm_guest_debug",
            u32("control"), u32("pad"), struct("arch", u64s("debugreg", 8)));

    public static final StructLayout TRANSLATION = struct("kvm_translation",
            u64("linear_address"), u64("physical_address"), u8("valid"), u8("writeable"), u8("usermode"), u8s("pad", 5));

    public static final StructLayout ENABLE_CAP = struct("kvm_enable_cap", u32("cap"), u32("flags"), u64s("args", 4), u8s("pad", 64));

    public static final StructLayout CLOCK_DATA = struct("kvm_clock_data",
            u64("clock"), u32("flags"), u32("pad0"), u64("realtime"), u64("host_tsc"),
            array("pad", 4, JAVA_INT));

    /// The page shared with the kernel, as far as its exits are told here.
    public static final StructLayout RUN = struct("kvm_run",
            u8("request_interrupt_window"), u8("immediate_exit"), u8s("padding1", 6),
            u32("exit_reason"), u8("ready_for_interrupt_injection"), u8("if_flag"), u16("flags"),
            u64("cr8"), u64("apic_base"),
            union(
                    struct("hw", u64("hardware_exit_reason")),
                    struct("fail_entry", u64("hardware_entry_failure_reason"), u32("cpu"), pad(4)),
                    struct("debug", struct("arch", u32("exception"), u32("pad"), u64("pc"), u64("dr6"), u64("dr7"))),
                    struct("io", u8("direction"), u8("size"), u16("port"), u32("count"), u64("data_offset")),
                    struct("mmio", u64("phys_addr"), u8s("data", 8), u32("len"), u8("is_write"), pad(3)),
                    struct("internal", u32("suberror"), u32("ndata"), u64s("data", 16)),
                    struct("emulation_failure", u32("suberror"), u32("ndata"), u64("flags"), u8("insn_size"), u8s("insn_bytes", 15)),
                    struct("eoi", u8("vector")),
                    u8s("padding", 256)),
            u64("kvm_valid_regs"), u64("kvm_dirty_regs"));

    /// Those whose whole size is the kernel's; of [#RUN] only the beginning is here.
    public static final List<StructLayout> WHOLE = List.of(
            USERSPACE_MEMORY_REGION, DIRTY_LOG, DIRTY_GFN, MSI, IRQ_ROUTING, IRQ_ROUTING_ENTRY, IRQFD, IOEVENTFD, INTERRUPT, LAPIC_STATE,
            REGS, SREGS, MSRS, MSR_ENTRY, MSR_LIST, CPUID2, CPUID_ENTRY2, XSAVE, XCRS, VCPU_EVENTS, DEBUGREGS, MP_STATE, GUEST_DEBUG,
            TRANSLATION, ENABLE_CAP, CLOCK_DATA);

    private Structs() {}

    private static StructLayout segment(String name) {
        return struct(name,
                u64("base"), u32("limit"), u16("selector"), u8("type"), u8("present"), u8("dpl"), u8("db"), u8("s"), u8("l"), u8("g"),
                u8("avl"), u8("unusable"), u8("padding"));
    }

    private static StructLayout table(String name) {
        return struct(name, u64("base"), u16("limit"), array("padding", 3, JAVA_SHORT));
    }
}
