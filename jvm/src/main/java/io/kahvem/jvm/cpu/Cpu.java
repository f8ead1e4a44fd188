package io.kahvem.jvm.cpu;

import io.kahvem.apic.LocalApic;
import io.kahvem.apic.TscClock;
import io.kahvem.host.Clock;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.semantics.x87.X87;
import io.kahvem.jvm.translate.CodePages;
import io.kahvem.jvm.translate.Entry;
import io.kahvem.jvm.translate.Found;
import io.kahvem.jvm.translate.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// The architectural state of one virtual CPU in the form the engine works on. Used by its own vCPU thread alone, except where a field says
/// otherwise.
///
/// **Registers.** `r[0]` to `r[15]` are the general registers. The slots after them let one formula, `r[base] + (r[index] << scale) + disp
/// + r[segment]`, compute every address: [#ZERO] is always 0, [#RIP] is the instruction pointer of the *first* instruction of the block
/// being executed (an instruction adds its offset), [#ES_BASE] and its successors are segment bases.
///
/// **Flags.** CF, PF, AF, ZF, SF and OF are kept lazily in three words (see [Flags]); [#rflags] holds the others.
///
/// **Faults.** An instruction that faults calls one of the `raise` methods, which note the exception and set [#stop] to [#FAULT]; whoever
/// called it returns at once when [#faulted()], with no architectural state changed. The run loop then delivers the exception.
public final class Cpu {
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;
    public static final int ZERO = 16;
    public static final int RIP = 17;

    /// Segment numbers as in instruction encodings; their bases are at `r[ES_BASE + segment]`.
    public static final int ES = 0;

    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;
    public static final int ES_BASE = 18;

    /// How far in [#xmm] a YMM register's upper half is above its lower one.
    public static final int YMM = 32;

    /// Values of [#stop].
    public static final int FAULT = -1;

    public static final int NONE = 0;

    /// The instruction completes, but the rest of its block must not run (it may have been overwritten).
    public static final int LEAVE = 1;

    /// The instruction has made progress and is to be executed again, once interrupts have been polled (a repeated string instruction).
    public static final int REPEAT = 2;

    public final int apicId;
    public final long[] r = new long[24];
    public long flagResult;
    public long flagCarry;
    public long flagAux;

    /// RFLAGS without the six arithmetic flags; bit 1 is set.
    public long rflags = 2;

    /// Not 0 when the current instruction must be the last of its block: [#FAULT], [#LEAVE] or [#REPEAT].
    public int stop;

    /// The exception noted by `raise`.
    public int faultVector;

    public int faultError;

    // Segment registers: visible selectors and hidden parts. Attributes as in CpuState.Segment; limits in bytes, unsigned.
    public final int[] selector = new int[6];
    public final long[] limit = new long[6];
    public final int[] attributes = new int[6];
    public int ldtrSelector;
    public long ldtrBase;
    public long ldtrLimit;
    public int ldtrAttributes;
    public int trSelector;
    public long trBase;
    public long trLimit;
    public int trAttributes;
    public long gdtrBase;
    public int gdtrLimit;
    public long idtrBase;
    public int idtrLimit;

    public long cr0;
    public long cr2;
    public long cr3;
    public long cr4;
    public long xcr0 = 1;
    public final long[] dr = new long[8];
    public long efer;

    /// Native addresses of the software TLB's tables for loads and stores at the current privilege; kept by [Mmu#modeChanged].
    public long readTable;

    public long writeTable;

    /// Current privilege level, 0 to 3. Change it through [#modeChanged()].
    public int cpl;

    /// What decoding depends on: a combination of [Mode] bits, kept by [#modeChanged()].
    public int mode;

    /// A debugger looks on: each instruction is a block of its own. Followed by [#modeChanged()].
    public boolean watched;

    /// XMM registers: low half at `2 * n`, high half at `2 * n + 1`; bits 128 to 191 and 192 to 255 of YMM register `n` are [#YMM] above
    /// these.
    public final long[] xmm = new long[64];

    public int mxcsr = 0x1f80;
    public final X87 fpu = new X87();

    /// A vector operation's source on its way to it: low and high half, and those of its upper 128 bits.
    public long t0;

    public long t1;
    public long t2;
    public long t3;

    /// The exception flags (at their places in MXCSR) that the current SSE instruction has met, until they are settled.
    public int simdFlags;

    /// What an SSE instruction must raise before anything else, #UD or #NM, or 0; kept by [#modeChanged()].
    public int sseTrap;

    /// The same for vector instructions with a VEX prefix.
    public int avxTrap;

    /// The same for MMX instructions.
    public int mmxTrap;

    public final Msrs msrs = new Msrs();
    public final Mmu mmu;
    public final LocalApic apic;

    /// The machine around this CPU, valid while `run` is on the stack.
    public @Nullable VmIo io;

    /// A branch into a page-mate that was not linked yet, and which way it went: the run loop links it to the block it finds.
    public @Nullable Insn linkFrom;

    public boolean linkTaken;

    /// What others want of the vCPU's thread, a bit each; 0: nothing. The run loop gives them their meaning.
    @SuppressWarnings("unused") // through ATTENTION
    private volatile int attention;

    private static final VarHandle ATTENTION;

    static {
        try {
            ATTENTION = MethodHandles.lookup().findVarHandle(Cpu.class, "attention", int.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /// Blocks, or as much translated code, until the run loop looks at the time.
    public int blocksUntilPoll;

    /// Instructions that translated code may still execute before the run loop looks for what came from outside.
    public int budget;

    /// How many more calls of regions by regions may be nested.
    public int depth;

    /// The return address that the translated code which is entered is to return to by a return in Java; to others it goes by a call.
    public long returnTo;

    /// Changes whenever all translated code has to be left for the run loop.
    public int epoch;

    /// The next block is to be interpreted: translated code has left an instruction to the interpreter.
    public boolean interpretNext;

    /// The last entry of translated code that has become hot enough for a larger region, and its linear address.
    public @Nullable Entry grown;

    public long grownRip;

    /// The time of entering regions; see [io.kahvem.jvm.translate.Tiers].
    public int regionTime;

    /// The instruction TLB; see [CodePages].
    public final long[] codePages = CodePages.empty();

    /// What of it was found lately.
    public final @Nullable Found[] found = Found.none();

    /// Finds translated code.
    public Region.Entries entries = (c, rip) -> null;

    /// HLT was executed and nothing has woken the CPU yet.
    public boolean halted;

    /// DR6 bits 0 to 3 of data breakpoints the current instruction hit.
    public int watchHits;

    /// MOV SS, POP SS or STI inhibits interrupts until the next instruction has been executed.
    public boolean interruptShadow;

    /// Between INIT and SIPI (SDM Vol. 3A, 9.4.3): nothing is executed.
    public boolean waitForSipi;

    /// An NMI is being handled: the next one waits for IRET.
    public boolean nmiBlocked;

    /// The instruction being executed in step mode began with RFLAGS.TF set and is to end with a single-step trap.
    public boolean stepping;

    /// It began with RFLAGS.RF set, which lets it pass a breakpoint.
    public boolean resumed;

    /// Why the processor shut down (a triple fault); only a reset revives it.
    public @Nullable String shutdown;

    /// Retired instructions; a repeated string instruction counts each iteration.
    public long retired;

    /// What the machine's CPUs are, and its time.
    public final CpuModel model;

    public final TscClock tsc;

    /// The source of RDRAND and RDSEED.
    public final Entropy entropy;

    /// A CPU in a machine of one, on the system's clock.
    /// Asks for attention. Any thread.
    public void attract(int bit) {
        ATTENTION.getAndBitwiseOr(this, bit);
    }

    /// What is wanted, seen soon but in no order with anything else.
    public int wanted() {
        return (int) ATTENTION.getOpaque(this);
    }

    public int takeWanted() {
        return (int) ATTENTION.getAndSet(this, 0);
    }

    public Cpu(int apicId, Mmu mmu, LocalApic apic) {
        this(apicId, mmu, apic, new CpuModel(1, 1_000_000), new TscClock(Clock.SYSTEM, 1_000_000), new Entropy());
    }

    public Cpu(int apicId, Mmu mmu, LocalApic apic, CpuModel model, TscClock tsc, Entropy entropy) {
        this.apicId = apicId;
        this.mmu = mmu;
        this.apic = apic;
        this.model = model;
        this.tsc = tsc;
        this.entropy = entropy;
    }

    /// Whether an exception has been noted for the current instruction.
    public boolean faulted() {
        return stop < 0;
    }

    /// Notes an exception without an error code. Returns 0 so that a value-returning operation can say `return c.raise(...)`.
    public long raise(int vector) {
        return raise(vector, 0);
    }

    public long raise(int vector, int errorCode) {
        faultVector = vector;
        faultError = errorCode;
        stop = FAULT;
        return 0;
    }

    /// Notes a page fault; CR2 takes the address.
    public long pageFault(long gva, int errorCode) {
        cr2 = gva;
        return raise(Exceptions.PF, errorCode);
    }

    /// #GP(0).
    public long generalProtection() {
        return raise(Exceptions.GP, 0);
    }

    /// #UD.
    public long undefined() {
        return raise(Exceptions.UD);
    }

    public boolean longMode() {
        return (efer & ControlBits.EFER_LMA) != 0;
    }

    /// Executing 64-bit code.
    public boolean code64() {
        return (mode & Mode.SIZE) == Mode.CODE64;
    }

    public boolean protectedMode() {
        return (cr0 & ControlBits.CR0_PE) != 0;
    }

    public boolean virtual8086() {
        return (rflags & Flags.VM) != 0;
    }

    public int iopl() {
        return (int) (rflags >> 12) & 3;
    }

    public long segmentBase(int segment) {
        return r[ES_BASE + segment];
    }

    /// A data access while breakpoints are on: notes in [#watchHits] which of DR0 to DR3 it hits (SDM Vol. 3B, 18.2.4); the trap comes
    /// after the instruction.
    public void watch(long gva, int bytes, boolean write) {
        for (int i = 0; i < 4; i++) {
            int kind = (int) (dr[7] >>> (16 + 4 * i)) & 3;
            boolean enabled = (dr[7] >>> (2 * i) & 3) != 0;
            if (!enabled || kind == 0 || kind == 2 || kind == 1 && !write) continue;
            int length = new int[] {1, 2, 8, 4}[(int) (dr[7] >>> (18 + 4 * i)) & 3];
            long from = dr[i] & -length;
            if (gva < from + length && from < gva + bytes) watchHits |= 1 << i;
        }
    }

    /// Recomputes [#mode] and the MMU's choice of tables. To be called after any change to CPL, CR0, CR4, XCR0, EFER, RFLAGS.VM, RFLAGS.AC,
    /// CS, SS or a data segment's base or limit.
    public void modeChanged() {
        mode = Mode.of(this);
        mmxTrap = (cr0 & ControlBits.CR0_EM) != 0 ? Exceptions.UD : (cr0 & ControlBits.CR0_TS) != 0 ? Exceptions.NM : 0;
        sseTrap = (cr4 & ControlBits.CR4_OSFXSR) == 0 ? Exceptions.UD : mmxTrap;
        boolean avx = protectedMode() && !virtual8086() && (cr4 & ControlBits.CR4_OSXSAVE) != 0
                && (xcr0 & ControlBits.XCR0_AVX_STATE) == ControlBits.XCR0_AVX_STATE;
        avxTrap = !avx ? Exceptions.UD : (cr0 & ControlBits.CR0_TS) != 0 ? Exceptions.NM : 0;
        mmu.modeChanged(this);
    }
}
