package io.kahvem.kvm;

import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.kvm.abi.Fields;
import io.kahvem.kvm.abi.Structs;

/// The `kvm_run` page of a vCPU, as its exit loop reads it: offsets are constants of the compiled code.
final class RunPage {
    static final long REQUEST_INTERRUPT_WINDOW = offset("request_interrupt_window");
    static final long IMMEDIATE_EXIT = offset("immediate_exit");
    static final long EXIT_REASON = offset("exit_reason");
    static final long READY_FOR_INTERRUPT_INJECTION = offset("ready_for_interrupt_injection");
    static final long IF_FLAG = offset("if_flag");
    static final long CR8 = offset("cr8");
    static final long APIC_BASE = offset("apic_base");
    static final long IO_DIRECTION = offset("io.direction");
    static final long IO_SIZE = offset("io.size");
    static final long IO_PORT = offset("io.port");
    static final long IO_COUNT = offset("io.count");
    static final long IO_DATA_OFFSET = offset("io.data_offset");
    static final long MMIO_PHYS_ADDR = offset("mmio.phys_addr");
    static final long MMIO_DATA = offset("mmio.data");
    static final long MMIO_LEN = offset("mmio.len");
    static final long MMIO_IS_WRITE = offset("mmio.is_write");
    static final long EOI_VECTOR = offset("eoi.vector");
    static final long DEBUG_EXCEPTION = offset("debug.arch.exception");
    static final long DEBUG_PC = offset("debug.arch.pc");
    static final long DEBUG_DR6 = offset("debug.arch.dr6");
    static final long HARDWARE_REASON = offset("hw.hardware_exit_reason");
    static final long INTERNAL_SUBERROR = offset("internal.suberror");
    static final long INTERNAL_NDATA = offset("internal.ndata");
    static final long INTERNAL_DATA = offset("internal.data");
    static final long EMULATION_FLAGS = offset("emulation_failure.flags");
    static final long EMULATION_INSN_SIZE = offset("emulation_failure.insn_size");
    static final long EMULATION_INSN_BYTES = offset("emulation_failure.insn_bytes");

    private final Mapping mapping;
    private final long address;

    RunPage(Mapping mapping) {
        this.mapping = mapping;
        this.address = mapping.address();
    }

    private static long offset(String path) {
        return Fields.offset(Structs.RUN, path);
    }

    int get8(long offset) {
        return Words.get8(address + offset) & 0xff;
    }

    int get16(long offset) {
        return Words.get16(address + offset) & 0xffff;
    }

    int get32(long offset) {
        return Words.get32(address + offset);
    }

    long get64(long offset) {
        return Words.get64(address + offset);
    }

    void put8(long offset, int value) {
        Words.put8(address + offset, (byte) value);
    }

    void put16(long offset, int value) {
        Words.put16(address + offset, (short) value);
    }

    void put32(long offset, int value) {
        Words.put32(address + offset, value);
    }

    void put64(long offset, long value) {
        Words.put64(address + offset, value);
    }

    void close() {
        mapping.close();
    }
}
