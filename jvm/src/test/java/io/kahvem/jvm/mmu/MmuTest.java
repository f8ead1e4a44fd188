package io.kahvem.jvm.mmu;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.HostMemory;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Translation, rights, accessed and dirty bits, and what the TLB remembers (SDM Vol. 3A, chapter 4).
class MmuTest {
    private static final long P = 1;
    private static final long RW = 2;
    private static final long US = 4;
    private static final long ACCESSED = 0x20;
    private static final long DIRTY = 0x40;
    private static final long PS = 0x80;
    private static final long GLOBAL = 0x100;
    private static final long NX = 1L << 63;

    private static final int LONG_ATTRIBUTES = 0x209b;
    private static final int FLAT_DATA = 0xc093;
    private static final int FLAT_CODE32 = 0xc09b;

    /// The page used as data, and the linear address it is mapped at.
    private static final long DATA = 0x8000;

    private static final long GVA = 0x40_0000;

    private final GuestMemory memory = new GuestMemory();
    private final List<String> codeWrites = new ArrayList<>();
    private Cpu c;

    @BeforeEach
    void machine() {
        memory.add(0, HostMemory.system().map(4 << 20), false);
        c = new Cpu(0, new Mmu(memory, (cpu, gpa, bytes) -> codeWrites.add("%#x+%d".formatted(gpa, bytes))), new LocalApic());
        for (int s = 0; s < 6; s++) {
            c.limit[s] = 0xffff_ffffL;
            c.attributes[s] = FLAT_DATA;
        }
    }

    @AfterEach
    void free() {
        memory.close();
    }

    /// 4-level paging: GVA's page maps DATA by a page table at 0x4000, with these rights in the last entry.
    private void longMode(long rights) {
        memory.write64(0x1000, 0x2000 | P | RW | US);
        memory.write64(0x2000, 0x3000 | P | RW | US);
        memory.write64(0x3000 + (GVA >>> 21) * 8, 0x4000 | P | RW | US);
        memory.write64(0x4000, DATA | rights);
        c.attributes[Cpu.CS] = LONG_ATTRIBUTES;
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG | ControlBits.CR0_WP;
        c.cr4 = ControlBits.CR4_PAE | ControlBits.CR4_PGE;
        c.efer = ControlBits.EFER_LME | ControlBits.EFER_LMA | ControlBits.EFER_NXE;
        c.cr3 = 0x1000;
        c.modeChanged();
    }

    private void user() {
        c.cpl = 3;
        c.modeChanged();
    }

    private void assertFault(int error) {
        assertThat(c.faulted()).isTrue();
        assertThat(c.faultVector).isEqualTo(Exceptions.PF);
        assertThat(c.faultError).isEqualTo(error);
        c.stop = Cpu.NONE;
    }

    @Test
    void withoutPagingLinearIsPhysical() {
        c.modeChanged();
        Mmu.store64(c, DATA + 5, 0x1122_3344_5566_7788L);
        assertThat(memory.read64(DATA + 5)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(Mmu.load32(c, DATA + 5)).isEqualTo(0x5566_7788L);
        assertThat(Mmu.load8(c, DATA + 12)).isEqualTo(0x11);
    }

    @Test
    void fourLevelsTranslateAndMarkAccessedAndDirty() {
        longMode(P | RW | US);
        memory.write64(DATA + 8, 42);
        assertThat(Mmu.load64(c, GVA + 8)).isEqualTo(42);
        for (long entry : new long[] {0x1000, 0x2000, 0x3000 + (GVA >>> 21) * 8, 0x4000}) {
            assertThat(memory.read64(entry) & (ACCESSED | DIRTY)).as("entry %#x", entry).isEqualTo(ACCESSED);
        }
        Mmu.store8(c, GVA, 1);
        assertThat(memory.read64(0x4000) & DIRTY).isEqualTo(DIRTY);
        assertThat(memory.read64(0x3000 + (GVA >>> 21) * 8) & DIRTY).isZero();
    }

    @Test
    void anEntryThatIsNotPresentFaultsWithTheAccess() {
        longMode(0);
        Mmu.load64(c, GVA + 0x10);
        assertFault(0);
        assertThat(c.cr2).isEqualTo(GVA + 0x10);
        user();
        Mmu.store64(c, GVA, 0);
        assertFault(6);
        assertThat(c.mmu.fetch(c, GVA)).isEqualTo(-1);
        assertFault(0x14);
    }

    @Test
    void aSupervisorPageIsClosedToUsers() {
        longMode(P | RW);
        Mmu.store64(c, GVA, 7);
        assertThat(c.faulted()).isFalse();
        user();
        Mmu.load64(c, GVA);
        assertFault(5);
    }

    @Test
    void aReadOnlyPageIsClosedToWritesOfUsersAndUnderWriteProtectOfAll() {
        longMode(P | US);
        Mmu.store8(c, GVA, 1);
        assertFault(3);
        user();
        Mmu.store8(c, GVA, 1);
        assertFault(7);
        c.cpl = 0;
        c.cr0 &= ~ControlBits.CR0_WP;
        c.mmu.flush();
        c.modeChanged();
        Mmu.store8(c, GVA, 9);
        assertThat(c.faulted()).isFalse();
        assertThat(memory.read8(DATA)).isEqualTo(9);
    }

    @Test
    void noExecuteStopsFetches() {
        longMode(P | RW | US | NX);
        assertThat(Mmu.load8(c, GVA)).isZero();
        assertThat(c.mmu.fetch(c, GVA)).isEqualTo(-1);
        assertFault(0x11);
    }

    @Test
    void reservedBitsFaultAsSuch() {
        longMode(P | RW | 1L << 45);
        Mmu.load8(c, GVA);
        assertFault(9);
    }

    @Test
    void supervisorModePreventionsLookAtUserPages() {
        longMode(P | RW | US);
        c.cr4 |= ControlBits.CR4_SMEP | ControlBits.CR4_SMAP;
        c.modeChanged();
        assertThat(c.mmu.fetch(c, GVA)).isEqualTo(-1);
        assertFault(0x11);
        Mmu.load8(c, GVA);
        assertFault(1);
        c.rflags |= Flags.AC;
        c.modeChanged();
        Mmu.load8(c, GVA);
        assertThat(c.faulted()).isFalse();
        c.rflags &= ~(long) Flags.AC;
        c.modeChanged();
        Mmu.load8(c, GVA);
        assertFault(1);
    }

    @Test
    void largePagesOfTwoMegabytes() {
        longMode(P | RW);
        memory.write64(0x3000 + (GVA >>> 21) * 8, 0x20_0000 | P | RW | PS);
        memory.write64(0x20_0000 + 0x12348, 99);
        assertThat(Mmu.load64(c, GVA + 0x12348)).isEqualTo(99);
    }

    @Test
    void thirtyTwoBitPagingWithSmallAndLargePages() {
        c.attributes[Cpu.CS] = FLAT_CODE32;
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG;
        c.cr4 = ControlBits.CR4_PSE;
        c.cr3 = 0x1000;
        memory.write32(0x1000 + 4, (int) (0x2000 | P | RW));
        memory.write32(0x2000, (int) (DATA | P | RW));
        memory.write32(0x1000 + 8, (int) (0 | P | RW | PS));
        c.modeChanged();
        memory.write32(DATA + 4, 77);
        assertThat(Mmu.load32(c, GVA + 4)).isEqualTo(77);
        assertThat(Mmu.load32(c, 0x80_0000 + DATA + 4)).isEqualTo(77);
        assertThat(memory.read32(0x2000) & ACCESSED).isEqualTo((int) ACCESSED);
        Mmu.load8(c, 0x0123_4567);
        assertFault(0);
    }

    @Test
    void physicalAddressExtension() {
        c.attributes[Cpu.CS] = FLAT_CODE32;
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG;
        c.cr4 = ControlBits.CR4_PAE;
        c.cr3 = 0x1020;
        memory.write64(0x1020, 0x2000 | P);
        memory.write64(0x2000 + 2 * 8, 0x3000 | P | RW);
        memory.write64(0x3000, DATA | P | RW);
        c.modeChanged();
        Mmu.store16(c, GVA + 2, 0xbeef);
        assertThat(memory.read16(DATA + 2)).isEqualTo(0xbeef);
        memory.write64(0x1020, 0x2000 | P | RW);
        Mmu.load8(c, GVA + 0x1000);
        assertFault(9);
    }

    @Test
    void anAccessAcrossPagesTouchesBothOrNeither() {
        longMode(P | RW);
        Mmu.store32(c, GVA + 0xffe, 0x1122_3344);
        assertFault(2);
        assertThat(c.cr2).isEqualTo(GVA + 0x1000);
        assertThat(memory.read16(DATA + 0xffe)).isZero();
        memory.write64(0x4008, 0xa000 | P | RW);
        Mmu.store32(c, GVA + 0xffe, 0x1122_3344);
        assertThat(memory.read16(DATA + 0xffe)).isEqualTo(0x3344);
        assertThat(memory.read16(0xa000)).isEqualTo(0x1122);
        assertThat(Mmu.load32(c, GVA + 0xffe)).isEqualTo(0x1122_3344);
    }

    @Test
    void anAddressThatIsNotCanonicalIsAGeneralProtectionFault() {
        longMode(P | RW);
        Mmu.load8(c, 0x8000_0000_0000L);
        assertThat(c.faulted()).isTrue();
        assertThat(c.faultVector).isEqualTo(Exceptions.GP);
    }

    @Test
    void anAddressSpaceChangeKeepsGlobalTranslationsOnly() {
        longMode(P | RW | GLOBAL);
        memory.write64(0x4008, 0xa000 | P | RW);
        Mmu.load8(c, GVA);
        Mmu.load8(c, GVA + 0x1000);
        memory.write64(0x4000, 0);
        memory.write64(0x4008, 0);
        Mmu.load8(c, GVA + 0x1000);
        assertThat(c.faulted()).as("still cached").isFalse();
        c.mmu.flushNonGlobal();
        Mmu.load8(c, GVA);
        assertThat(c.faulted()).as("global").isFalse();
        Mmu.load8(c, GVA + 0x1000);
        assertFault(0);
        c.mmu.invalidatePage(GVA);
        Mmu.load8(c, GVA);
        assertFault(0);
    }

    @Test
    void invalidatingAnAddressInALargePageDropsAllOfIt() {
        longMode(P | RW);
        memory.write64(0x3000 + (GVA >>> 21) * 8, 0x20_0000 | P | RW | PS | GLOBAL);
        Mmu.load8(c, GVA + 0x5000);
        memory.write64(0x3000 + (GVA >>> 21) * 8, 0);
        c.mmu.invalidatePage(GVA + 0x9000);
        Mmu.load8(c, GVA + 0x5000);
        assertFault(0);
    }

    @Test
    void aStoreToCodeIsToldAndEndsTheBlock() {
        longMode(P | RW);
        Mmu.store8(c, GVA, 1); // now cached as writable
        memory.markCode(DATA);
        c.mmu.flushWritable();
        Mmu.store32(c, GVA + 0x20, 5);
        assertThat(codeWrites).containsExactly("0x8020+4");
        assertThat(c.stop).isEqualTo(Cpu.LEAVE);
        assertThat(memory.read32(DATA + 0x20)).isEqualTo(5);
    }

    @Test
    void compareAndSetWorksAtAnyAlignment() {
        longMode(P | RW);
        memory.write64(0x4008, 0xa000 | P | RW);
        for (long at : new long[] {0, 1, 3, 5, 7, 0xffd, 0xffe}) {
            Mmu.store32(c, GVA + at, 0x0102_0304);
            assertThat(Mmu.compareAndSet(c, GVA + at, 4, 0x0102_0305, 9)).as("at %d", at).isFalse();
            assertThat(Mmu.compareAndSet(c, GVA + at, 4, 0x0102_0304, 0xfedc_ba98L)).as("at %d", at).isTrue();
            assertThat(Mmu.load32(c, GVA + at)).isEqualTo(0xfedc_ba98L);
        }
    }
}
