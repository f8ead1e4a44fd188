package io.kahvem.kvm.abi;

import java.lang.foreign.StructLayout;

/// The ioctl requests of linux/kvm.h, whose numbers are made as in asm-generic/ioctl.h: direction, size of the argument, type, number.
public enum Request {
    // of /dev/kvm
    KVM_GET_API_VERSION(io(0x00)),
    KVM_CREATE_VM(io(0x01)),
    KVM_GET_MSR_INDEX_LIST(iowr(0x02, Structs.MSR_LIST)),
    KVM_CHECK_EXTENSION(io(0x03)),
    KVM_GET_VCPU_MMAP_SIZE(io(0x04)),
    KVM_GET_SUPPORTED_CPUID(iowr(0x05, Structs.CPUID2)),

    // of a VM
    KVM_CREATE_VCPU(io(0x41)),
    KVM_GET_DIRTY_LOG(iow(0x42, Structs.DIRTY_LOG)),
    KVM_SET_USER_MEMORY_REGION(iow(0x46, Structs.USERSPACE_MEMORY_REGION)),
    KVM_SET_TSS_ADDR(io(0x47)),
    KVM_SET_IDENTITY_MAP_ADDR(number(1, 0x48, 8)),
    KVM_SET_GSI_ROUTING(iow(0x6a, Structs.IRQ_ROUTING)),
    KVM_IRQFD(iow(0x76, Structs.IRQFD)),
    KVM_IOEVENTFD(iow(0x79, Structs.IOEVENTFD)),
    KVM_SET_CLOCK(iow(0x7b, Structs.CLOCK_DATA)),
    KVM_GET_CLOCK(ior(0x7c, Structs.CLOCK_DATA)),
    KVM_ENABLE_CAP(iow(0xa3, Structs.ENABLE_CAP)),
    KVM_SIGNAL_MSI(iow(0xa5, Structs.MSI)),
    KVM_RESET_DIRTY_RINGS(io(0xc7)),

    // of a vCPU
    KVM_RUN(io(0x80)),
    KVM_GET_REGS(ior(0x81, Structs.REGS)),
    KVM_SET_REGS(iow(0x82, Structs.REGS)),
    KVM_GET_SREGS(ior(0x83, Structs.SREGS)),
    KVM_SET_SREGS(iow(0x84, Structs.SREGS)),
    KVM_TRANSLATE(iowr(0x85, Structs.TRANSLATION)),
    KVM_INTERRUPT(iow(0x86, Structs.INTERRUPT)),
    KVM_GET_MSRS(iowr(0x88, Structs.MSRS)),
    KVM_SET_MSRS(iow(0x89, Structs.MSRS)),
    KVM_GET_LAPIC(ior(0x8e, Structs.LAPIC_STATE)),
    KVM_SET_LAPIC(iow(0x8f, Structs.LAPIC_STATE)),
    KVM_SET_CPUID2(iow(0x90, Structs.CPUID2)),
    KVM_GET_MP_STATE(ior(0x98, Structs.MP_STATE)),
    KVM_SET_MP_STATE(iow(0x99, Structs.MP_STATE)),
    KVM_NMI(io(0x9a)),
    KVM_SET_GUEST_DEBUG(iow(0x9b, Structs.GUEST_DEBUG)),
    KVM_GET_VCPU_EVENTS(ior(0x9f, Structs.VCPU_EVENTS)),
    KVM_SET_VCPU_EVENTS(iow(0xa0, Structs.VCPU_EVENTS)),
    KVM_GET_DEBUGREGS(ior(0xa1, Structs.DEBUGREGS)),
    KVM_SET_DEBUGREGS(iow(0xa2, Structs.DEBUGREGS)),
    KVM_SET_TSC_KHZ(io(0xa2)),
    KVM_GET_XSAVE(ior(0xa4, Structs.XSAVE)),
    KVM_SET_XSAVE(iow(0xa5, Structs.XSAVE)),
    KVM_GET_XCRS(ior(0xa6, Structs.XCRS)),
    KVM_SET_XCRS(iow(0xa7, Structs.XCRS)),
    KVM_GET_XSAVE2(ior(0xcf, Structs.XSAVE));

    public final long number;

    Request(long number) {
        this.number = number;
    }

    private static long io(int number) {
        return number(0, number, 0);
    }

    private static long iow(int number, StructLayout argument) {
        return number(1, number, argument.byteSize());
    }

    private static long ior(int number, StructLayout argument) {
        return number(2, number, argument.byteSize());
    }

    private static long iowr(int number, StructLayout argument) {
        return number(3, number, argument.byteSize());
    }

    private static long number(int direction, int number, long size) {
        return (long) direction << 30 | size << 16 | 0xae << 8 | number;
    }
}
