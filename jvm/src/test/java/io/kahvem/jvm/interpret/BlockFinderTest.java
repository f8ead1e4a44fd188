package io.kahvem.jvm.interpret;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.HostMemory;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.memory.GuestMemory;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Blocks found, linked and forgotten, in 16-bit code without paging.
class BlockFinderTest {
    private static final int CODE = 0x1000;
    private static final int TARGET = 0x1010;

    private final GuestMemory memory = new GuestMemory();
    private final CodeCache cache = new CodeCache(memory);
    private Cpu c;
    private BlockFinder finder;

    @BeforeEach
    void machine() {
        memory.add(0, HostMemory.system().map(1 << 20), false);
        memory.setCodeListener(cache::codeWritten);
        Mmu mmu = new Mmu(memory, (cpu, gpa, bytes) -> cache.codeWritten(gpa, bytes));
        c = new Cpu(0, mmu, new LocalApic());
        for (int s = 0; s < 6; s++) {
            c.limit[s] = 0xffff;
            c.attributes[s] = s == Cpu.CS ? 0x9b : 0x93;
        }
        c.modeChanged();
        finder = new BlockFinder(memory, cache, new Spinner(), Opcodes.map(), mmu::flushWritable);
        code(CODE, 0xeb, TARGET - CODE - 2); // jmp TARGET
        code(TARGET, 0x40, 0x41, 0xeb, 0xfc); // inc ax; inc cx; jmp TARGET
    }

    @AfterEach
    void free() {
        memory.close();
    }

    private void code(int at, int... bytes) {
        for (int i = 0; i < bytes.length; i++) memory.write8(at + i, bytes[i]);
    }

    private Block at(int rip) {
        c.r[Cpu.RIP] = rip;
        return found();
    }

    private Block found() {
        return Objects.requireNonNull(finder.find(c));
    }

    @Test
    void aJumpInsideThePageLeadsToItsTargetOnceThatWasFound() {
        Block jump = at(CODE);
        assertThat(jump.first.exec(c, c.r)).isNull();
        assertThat(c.r[Cpu.RIP]).isEqualTo(TARGET);
        Block target = found();
        c.r[Cpu.RIP] = CODE;
        assertThat(jump.first.exec(c, c.r)).isSameAs(target);
    }

    @Test
    void aWriteToTheTargetUndoesTheLink() {
        Block jump = at(CODE);
        jump.first.exec(c, c.r);
        Block stale = found();
        code(TARGET, 0x42); // inc dx
        assertThat(stale.valid).isFalse();
        c.r[Cpu.RIP] = CODE;
        assertThat(jump.first.exec(c, c.r)).isNull();
        Block fresh = found();
        assertThat(fresh).isNotSameAs(stale);
        fresh.first.exec(c, c.r);
        assertThat(c.r[Cpu.RDX]).isEqualTo(1);
        assertThat(c.r[Cpu.RAX]).isZero();
    }

    @Test
    void aWriteBesideTheBlockLeavesIt() {
        Block target = at(TARGET);
        code(TARGET + 4, 0x90);
        assertThat(target.valid).isTrue();
        assertThat(at(TARGET)).isSameAs(target);
    }

    /// A single-stepped instruction is in no page's list: a link to it would outlive a change of its bytes.
    @Test
    void theBlockOfASingleStepIsNeverLinkedTo() {
        Block jump = at(CODE);
        jump.first.exec(c, c.r);
        c.mode |= Mode.STEP;
        Block step = found();
        c.mode &= ~Mode.STEP;
        assertThat(step.count).isEqualTo(1);
        c.r[Cpu.RIP] = CODE;
        assertThat(jump.first.exec(c, c.r)).isNull();
    }

    @Test
    void aBlockEndsAtItsLimitAndRunsOnIntoTheNext() {
        for (int i = 0; i < 40; i++) code(0x2000 + i, 0x40);
        Block first = at(0x2000);
        assertThat(first.count).isEqualTo(BlockBuilder.MAX_INSTRUCTIONS);
        first.first.exec(c, c.r);
        assertThat(c.r[Cpu.RAX]).isEqualTo(BlockBuilder.MAX_INSTRUCTIONS);
        assertThat(c.r[Cpu.RIP]).isEqualTo(0x2000 + BlockBuilder.MAX_INSTRUCTIONS);
    }

    @Test
    void anInstructionAcrossPagesIsForgottenWhenEitherPartChanges() {
        code(0x2fff, 0xb8, 0x34, 0x12); // mov ax, 1234h
        Block crossing = at(0x2fff);
        assertThat(crossing.crossesInto).isEqualTo(0x3000);
        crossing.first.exec(c, c.r);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x1234);
        code(0x3001, 0x56);
        assertThat(crossing.valid).isFalse();
        at(0x2fff).first.exec(c, c.r);
        assertThat(c.r[Cpu.RAX]).isEqualTo(0x5634);
    }
}
