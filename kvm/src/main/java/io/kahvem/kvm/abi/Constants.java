package io.kahvem.kvm.abi;

/// Numbers of linux/kvm.h and asm/kvm.h that are neither requests nor capabilities, by their C names.
public final class Constants {
    public static final int KVM_API_VERSION = 12;

    public static final int KVM_MEM_LOG_DIRTY_PAGES = 1;
    public static final int KVM_MEM_READONLY = 1 << 1;

    public static final int KVM_DIRTY_LOG_PAGE_OFFSET = 64;
    public static final int KVM_DIRTY_GFN_F_DIRTY = 1;
    public static final int KVM_DIRTY_GFN_F_RESET = 1 << 1;

    public static final int KVM_IRQ_ROUTING_MSI = 2;
    public static final int KVM_IRQFD_FLAG_DEASSIGN = 1;
    public static final int KVM_IOEVENTFD_FLAG_DATAMATCH = 1;
    public static final int KVM_IOEVENTFD_FLAG_PIO = 1 << 1;
    public static final int KVM_IOEVENTFD_FLAG_DEASSIGN = 1 << 2;

    public static final int KVM_MP_STATE_RUNNABLE = 0;
    public static final int KVM_MP_STATE_UNINITIALIZED = 1;
    public static final int KVM_MP_STATE_INIT_RECEIVED = 2;
    public static final int KVM_MP_STATE_HALTED = 3;

    public static final int KVM_VCPUEVENT_VALID_NMI_PENDING = 1;
    public static final int KVM_VCPUEVENT_VALID_SIPI_VECTOR = 1 << 1;
    public static final int KVM_VCPUEVENT_VALID_SHADOW = 1 << 2;
    public static final int KVM_X86_SHADOW_INT_MOV_SS = 1;
    public static final int KVM_X86_SHADOW_INT_STI = 1 << 1;

    public static final int KVM_GUESTDBG_ENABLE = 1;
    public static final int KVM_GUESTDBG_SINGLESTEP = 1 << 1;
    public static final int KVM_GUESTDBG_USE_SW_BP = 1 << 16;
    public static final int KVM_GUESTDBG_USE_HW_BP = 1 << 17;

    public static final int KVM_CPUID_FLAG_SIGNIFCANT_INDEX = 1;

    public static final int KVM_EXIT_UNKNOWN = 0;
    public static final int KVM_EXIT_IO = 2;
    public static final int KVM_EXIT_DEBUG = 4;
    public static final int KVM_EXIT_HLT = 5;
    public static final int KVM_EXIT_MMIO = 6;
    public static final int KVM_EXIT_IRQ_WINDOW_OPEN = 7;
    public static final int KVM_EXIT_SHUTDOWN = 8;
    public static final int KVM_EXIT_FAIL_ENTRY = 9;
    public static final int KVM_EXIT_INTR = 10;
    public static final int KVM_EXIT_SET_TPR = 11;
    public static final int KVM_EXIT_INTERNAL_ERROR = 17;
    public static final int KVM_EXIT_IOAPIC_EOI = 26;
    public static final int KVM_EXIT_DIRTY_RING_FULL = 31;

    public static final int KVM_EXIT_IO_IN = 0;
    public static final int KVM_EXIT_IO_OUT = 1;

    public static final int KVM_INTERNAL_ERROR_EMULATION = 1;
    public static final int KVM_INTERNAL_ERROR_SIMUL_EX = 2;
    public static final int KVM_INTERNAL_ERROR_DELIVERY_EV = 3;
    public static final int KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON = 4;
    public static final int KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES = 1;

    private Constants() {}
}
