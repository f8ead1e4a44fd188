package io.kahvem.kvm.abi;

/// What KVM_CHECK_EXTENSION is asked, by the names of linux/kvm.h without their KVM_CAP_.
public enum Capability {
    USER_MEMORY(3),
    SET_TSS_ADDR(4),
    NR_MEMSLOTS(10),
    IRQ_ROUTING(25),
    IRQFD(32),
    IOEVENTFD(36),
    SET_IDENTITY_MAP_ADDR(37),
    VCPU_EVENTS(41),
    XSAVE(55),
    TSC_CONTROL(60),
    MAX_VCPUS(66),
    TSC_DEADLINE_TIMER(72),
    SIGNAL_MSI(77),
    READONLY_MEM(81),
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
