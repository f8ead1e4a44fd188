package io.kahvem.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// SDM Vol. 3, 4.3 to 4.5.
class PagingTest {
    private static final int EFER = 0xc000_0080;
    private static final long PRESENT = 1;
    private static final long LARGE = 1 << 7;

    private final GuestMemory memory = new GuestMemory();
    private final CpuState state = new CpuState();
    private final Paging paging = new Paging(memory, state);

    @BeforeEach
    void tables() {
        memory.add(0, HostMemory.system().map(1 << 20), false);
        state.cr0 |= 1L << 31 | 1;
        state.cr3 = 0x1000;
    }

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void withoutPagingAddressesAreTheSame() {
        state.cr0 = 0x10;
        assertThat(paging.physical(0x1_2345_6789L)).isEqualTo(0x2345_6789L);
    }

    @Test
    void longModeHasPagesOfThreeSizes() {
        state.msrs.put(EFER, 1L << 10);
        state.cr4 = 1 << 5;
        memory.write64(0x1000 + 511 * 8, 0x2000 | PRESENT);
        memory.write64(0x2000 + 510 * 8, 0x3000 | PRESENT | 1L << 63);
        memory.write64(0x2000 + 511 * 8, 0x4000_0000L | LARGE | PRESENT);
        memory.write64(0x3000, 0x4000 | PRESENT);
        memory.write64(0x3000 + 8, 0x20_0000L | LARGE | PRESENT);
        memory.write64(0x4000 + 8, 0x7000 | PRESENT);
        assertThat(paging.physical(0xffff_ffff_8000_1234L)).isEqualTo(0x7234);
        assertThat(paging.physical(0xffff_ffff_8023_4567L)).isEqualTo(0x23_4567);
        assertThat(paging.physical(0xffff_ffff_c123_4567L)).isEqualTo(0x4123_4567L);
        assertThat(paging.physical(0xffff_ffff_8000_2000L)).isEqualTo(Paging.NOT_MAPPED);
        assertThat(paging.physical(0)).isEqualTo(Paging.NOT_MAPPED);
    }

    @Test
    void fiveLevels() {
        state.msrs.put(EFER, 1L << 10);
        state.cr4 = 1 << 5 | 1 << 12;
        memory.write64(0x1000, 0x2000 | PRESENT);
        memory.write64(0x2000, 0x3000 | PRESENT);
        memory.write64(0x3000, 0x4000_0000L | LARGE | PRESENT);
        assertThat(paging.physical(0x1234)).isEqualTo(0x4000_1234L);
    }

    @Test
    void physicalAddressExtension() {
        state.cr4 = 1 << 5;
        state.cr3 = 0x1020;
        memory.write64(0x1020 + 3 * 8, 0x2000 | PRESENT);
        memory.write64(0x2000, 0x3000 | PRESENT);
        memory.write64(0x2000 + 8, 0x1_0020_0000L | LARGE | PRESENT);
        memory.write64(0x3000, 0x9000 | PRESENT);
        assertThat(paging.physical(0xc000_0042L)).isEqualTo(0x9042);
        assertThat(paging.physical(0xc020_0042L)).isEqualTo(0x1_0020_0042L);
        assertThat(paging.physical(0)).isEqualTo(Paging.NOT_MAPPED);
    }

    @Test
    void tablesOf32Bits() {
        memory.write32(0x1000 + 768 * 4, 0x2000 | 1);
        memory.write32(0x1000 + 4, 0x40_0000 | 0x80 | 1);
        memory.write32(0x2000 + 4, 0x5000 | 1);
        assertThat(paging.physical(0xc000_1234L)).isEqualTo(0x5234);
        assertThat(paging.physical(0xc000_2000L)).isEqualTo(Paging.NOT_MAPPED);
        state.cr4 = 1 << 4;
        assertThat(paging.physical(0x41_2345)).isEqualTo(0x41_2345);
    }
}
