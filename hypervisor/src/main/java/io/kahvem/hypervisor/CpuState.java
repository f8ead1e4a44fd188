package io.kahvem.hypervisor;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The architectural state of one vCPU, in no engine's own form: a machine read from one engine can be set in another.
///
/// A plain carrier: fields are as the SDM names them, a new one holds the state after a processor reset (SDM Vol. 3A, Table 10-1).
public final class CpuState {
    /// A segment register with its hidden part. `attributes` are descriptor bits 40-47 in bits 0-7 and 52-55 in bits 12-15, as in a VMCS
    /// access-rights field (SDM Vol. 3C, Table 25-2), with bit 16 set where the segment is unusable.
    public record Segment(int selector, long base, int limit, int attributes) {}

    public record DescriptorTable(long base, int limit) {}

    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;

    /// RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15.
    public final long[] gpr = new long[16];

    public long rip = 0xfff0;
    public long rflags = 2;
    public final Segment[] segments = new Segment[6];
    public Segment ldtr = new Segment(0, 0, 0xffff, 0x82);
    public Segment tr = new Segment(0, 0, 0xffff, 0x8b);
    public DescriptorTable gdtr = new DescriptorTable(0, 0xffff);
    public DescriptorTable idtr = new DescriptorTable(0, 0xffff);

    public long cr0 = 0x6000_0010L;
    public long cr2;
    public long cr3;
    public long cr4;
    public long xcr0 = 1;

    /// DR0 to DR3, DR6, DR7.
    public final long[] dr = {0, 0, 0, 0, 0xffff_0ff0L, 0x400};

    /// Model-specific registers by index, EFER, the segment bases of SYSCALL and SWAPGS, TSC and APIC base among them. A missing one keeps
    /// its reset value.
    public final Map<Integer, Long> msrs = new TreeMap<>();

    /// The XSAVE area in standard (non-compacted) form, as long as XCR0's features need; empty means the reset state.
    public byte[] xsave = new byte[0];

    /// The local APIC's 4 KiB register page, or empty for its reset state.
    public byte[] apicPage = new byte[0];

    /// Running, halted, or waiting for INIT or SIPI.
    public Activity activity = Activity.RUNNING;

    /// An NMI is being handled: the next one waits for IRET.
    public boolean nmiBlocked;

    /// An NMI has come and is not taken yet.
    public boolean nmiPending;

    /// STI or MOV SS holds interrupts off for one more instruction.
    public boolean interruptShadow;

    /// What the processor was about to deliver, taken from wherever it came from and not yet visible to the guest: it comes before the
    /// next instruction. Null where there is nothing.
    public @Nullable Event event;

    /// @param errorCode what is pushed after the return address, or [#NO_ERROR_CODE]
    public record Event(Kind kind, int vector, long errorCode) {
        public static final long NO_ERROR_CODE = -1;

        public enum Kind {
            EXTERNAL_INTERRUPT,
            NMI,
            EXCEPTION,
            SOFTWARE_INTERRUPT
        }
    }

    public enum Activity {
        RUNNING,
        HALTED,
        WAIT_FOR_SIPI
    }

    public CpuState() {
        gpr[2] = 0x600;
        Arrays.fill(segments, new Segment(0, 0, 0xffff, 0x93));
        segments[CS] = new Segment(0xf000, 0xffff_0000L, 0xffff, 0x9b);
    }
}
