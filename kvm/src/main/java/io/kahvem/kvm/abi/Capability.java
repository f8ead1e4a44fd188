package io.kahvem.kvm.abi;

/// What KVM_CHECK_EXTENSION is asked, by the names of linux/kvm.h without their KVM_CAP_.
public enum Capability {
    IRQCHIP(0),
    USER_MEMORY(3),
    SET_TSS_ADDR(4),
    NR_VCPUS(9),
    NR_MEMSLOTS(10),
    MP_STATE(14),
    SET_GUEST_DEBUG(23),
    IRQ_ROUTING(25),
    IRQFD(32),
    IOEVENTFD(36),
    SET_IDENTITY_MAP_ADDR(37),
    VCPU_EVENTS(41),
    DEBUGREGS(50),
    XSAVE(55),
    XCRS(56),
    TSC_CONTROL(60),
    GET_TSC_KHZ(61),
    MAX_VCPUS(66),
    TSC_DEADLINE_TIMER(72),
    SIGNAL_MSI(77),
    READONLY_MEM(81),
    ENABLE_CAP_VM(98),
    CHECK_EXTENSION_VM(105),
    SPLIT_IRQCHIP(121),
    IMMEDIATE_EXIT(136),
    XSAVE2(208),
    DIRTY_LOG_RING_ACQ_REL(223),
    X86_APIC_BUS_CYCLES_NS(237);

    public final int number;

    Capability(int number) {
        this.number = number;
    }
}
