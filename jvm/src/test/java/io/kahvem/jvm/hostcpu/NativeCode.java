package io.kahvem.jvm.hostcpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/// The stub around the code under test: saves what the C ABI wants kept, loads the state by absolute addresses, runs the code, stores the
/// state.
///
/// With `catching`, signals raised by the code under test end it there: a handler of machine code notes the exception from the signal's
/// context and resumes at the stub's end; signals from elsewhere go on to the JVM's own handlers. Only for a process of its own.
final class NativeCode implements HostCpu {
    private static final int HANDLER = 0x600;
    private static final int EPILOGUE = 0x400;

    /// The length of the epilogue's first instruction, which stores RSP.
    private static final int AFTER_RSP = 8;

    /// How often code that ends with #GP(0) is run where the stack pointer is not canonical: some hypervisors raise it then at any
    /// interrupt or page fault of their own.
    private static final int ATTEMPTS = 4;

    private static final int STATE = 0x1000;
    private static final int FLAGS = STATE + 0x80;
    private static final int HOST_RSP = STATE + 0x88;
    private static final int TRAP = STATE + 0x90;
    private static final int ERROR = STATE + 0x98;
    private static final int FAULT_ADDRESS = STATE + 0xa0;
    private static final int FAULT_RIP = STATE + 0xa8;
    private static final int OLD_HANDLERS = STATE + 0x100;
    private static final int FX = STATE + 0x200;
    private static final int HOST_FX = STATE + 0x400;
    private static final int YMM_UPPER = STATE + 0x600;

    // ucontext_t of x86-64 Linux: offsets of general registers in uc_mcontext.
    private static final int UC_RSP = 160;
    private static final int UC_RIP = 168;
    private static final int UC_EFLAGS = 176;
    private static final int UC_CS = 184;
    private static final int UC_ERR = 192;
    private static final int UC_TRAPNO = 200;
    private static final int UC_CR2 = 216;

    private static final int[] SIGNALS = {4, 5, 7, 8, 11}; // ILL, TRAP, BUS, FPE, SEGV
    private static final int SIGACTION_BYTES = 152;
    private static final int SIGACTION_FLAGS = 136;
    private static final int SA_SIGINFO_ONSTACK_NODEFER = 0x4 | 0x0800_0000 | 0x4000_0000;
    private static final int PROT_RWX = 7;
    private static final int MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x10_0022;
    private static final long LOWEST = 0x1000_0000;
    private static final long STEP = 0x100_0000;

    private static final Linker LINKER = Linker.nativeLinker();

    private final boolean avx = HostFeatures.has("avx");
    private final MemorySegment region;
    private final long base;
    private final MethodHandle stub;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private byte[] loaded = {};

    /// `hint` is the address the region should have, or 0 for any.
    NativeCode(boolean catching, long hint) {
        try {
            base = map(hint);
            region = MemorySegment.ofAddress(base).reinterpret(REGION_BYTES);
            place(0, prologue());
            place(EPILOGUE, epilogue());
            stub = LINKER.downcallHandle(MemorySegment.ofAddress(base), FunctionDescriptor.ofVoid());
            MethodHandle mprotect = function("mprotect", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
            if ((int) mprotect.invokeExact(base + GUARD, 0x1000L, 0) != 0) throw new IllegalStateException("mprotect failed");
            if (catching) catchSignals();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("a native call did not happen", t);
        }
    }

    /// At `hint`, or at the first place there is in the low 2 GiB.
    private static long map(long hint) throws Throwable {
        MethodHandle mmap = function(
                "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        for (long address = hint != 0 ? hint : LOWEST; address < 1L << 31; address += STEP) {
            long mapped = (long) mmap.invokeExact(address, (long) REGION_BYTES, PROT_RWX, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, -1, 0L);
            if (mapped == address) return mapped;
        }
        throw new IllegalStateException("no executable memory in the low 2 GiB");
    }

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }

    private void catchSignals() throws Throwable {
        place(HANDLER, handler());
        MethodHandle sigaction = function("sigaction", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        MethodHandle sigaltstack = function("sigaltstack", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        Arena forever = Arena.global();
        long stackBytes = 64 << 10;
        MemorySegment stack = forever.allocate(24, 8);
        stack.set(JAVA_LONG, 0, forever.allocate(stackBytes, 64).address());
        stack.set(JAVA_LONG, 16, stackBytes);
        int result = (int) sigaltstack.invokeExact(stack, MemorySegment.NULL);
        for (int signal : SIGNALS) {
            MemorySegment action = forever.allocate(SIGACTION_BYTES, 8);
            MemorySegment old = forever.allocate(SIGACTION_BYTES, 8);
            result |= (int) sigaction.invokeExact(signal, MemorySegment.NULL, old);
            region.set(JAVA_LONG, OLD_HANDLERS + 8 * signal, old.get(JAVA_LONG, 0));
            action.set(JAVA_LONG, 0, base + HANDLER);
            action.set(JAVA_INT, SIGACTION_FLAGS, SA_SIGINFO_ONSTACK_NODEFER);
            result |= (int) sigaction.invokeExact(signal, action, MemorySegment.NULL);
        }
        if (result != 0) throw new IllegalStateException("signal handlers could not be set");
    }

    @Override
    public long base() {
        return base;
    }

    @Override
    public void run(State in, byte[] code, State out) {
        if (!Arrays.equals(code, loaded)) {
            if (code.length > CODE_MAX) throw new IllegalArgumentException("too much code");
            loaded = code.clone();
            place(CODE, code);
            bytes(0xff, 0x24, 0x25); // JMP through the word that holds the epilogue's address
            int32((int) base + STATE + 0xb0);
            place(CODE + code.length, take());
            region.set(JAVA_LONG, STATE + 0xb0, base + EPILOGUE);
        }
        for (int i = 0; i < ATTEMPTS; i++) {
            execute(in, out);
            if (out.vector != 13 || out.error != 0 || out.gpr[4] << 16 >> 16 == out.gpr[4]) return;
        }
    }

    private void execute(State in, State out) {
        MemorySegment.copy(in.gpr, 0, region, JAVA_LONG, STATE, 16);
        if (in.gpr[4] == 0) region.set(JAVA_LONG, STATE + 32, base + STACK_TOP - 0x1000);
        region.set(JAVA_LONG, FLAGS, in.rflags & State.FLAGS | 0x202);
        region.set(JAVA_LONG, TRAP, State.COMPLETED);
        MemorySegment.copy(in.fx, 0, region, ValueLayout.JAVA_BYTE, FX, 512);
        MemorySegment.copy(in.ymmUpper, 0, region, JAVA_LONG, YMM_UPPER, 32);
        MemorySegment.copy(in.data, 0, region, ValueLayout.JAVA_BYTE, DATA, State.DATA_BYTES);
        try {
            stub.invokeExact();
        } catch (Throwable t) {
            throw new AssertionError("a native call did not happen", t);
        }
        MemorySegment.copy(region, JAVA_LONG, STATE, out.gpr, 0, 16);
        if (in.gpr[4] == 0 && out.gpr[4] == base + STACK_TOP - 0x1000) out.gpr[4] = 0;
        out.rflags = region.get(JAVA_LONG, FLAGS);
        out.vector = (int) region.get(JAVA_LONG, TRAP);
        out.error = out.vector < 0 ? 0 : region.get(JAVA_LONG, ERROR);
        out.cr2 = out.vector == 14 ? region.get(JAVA_LONG, FAULT_ADDRESS) : 0;
        out.faultOffset = out.vector < 0 ? 0 : region.get(JAVA_LONG, FAULT_RIP) - code();
        MemorySegment.copy(region, ValueLayout.JAVA_BYTE, FX, out.fx, 0, 512);
        MemorySegment.copy(region, JAVA_LONG, YMM_UPPER, out.ymmUpper, 0, 32);
        MemorySegment.copy(region, ValueLayout.JAVA_BYTE, DATA, out.data, 0, State.DATA_BYTES);
    }

    /// The region stays mapped: a handler may be installed in it.
    @Override
    public void close() {}

    private byte[] prologue() {
        bytes(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x9c); // PUSH RBX, RBP, R12-R15; PUSHFQ
        store(4, HOST_RSP);
        absolute(0x48, 0x0fae, 0, HOST_FX); // FXSAVE64
        absolute(0x48, 0x0fae, 1, FX); // FXRSTOR64
        if (avx) {
            for (int n = 0; n < 16; n++) upperHalf(0x18, n, ~n); // VINSERTF128 YMMn, YMMn, [...], 1
        }
        absolute(0, 0xff, 6, FLAGS); // PUSH
        bytes(0x9d); // POPFQ
        for (int r = 0; r < 16; r++) absolute(r < 8 ? 0x48 : 0x4c, 0x8b, r & 7, STATE + 8 * r);
        bytes(0xe9); // JMP to the code
        int32(CODE - (text.size() + 4));
        return take();
    }

    private byte[] epilogue() {
        store(4, STATE + 32);
        if (text.size() != AFTER_RSP) throw new AssertionError("the length of a store");
        for (int r = 0; r < 16; r++) {
            if (r != 4) store(r, STATE + 8 * r);
        }
        absolute(0x48, 0x8b, 4, HOST_RSP);
        bytes(0x9c); // PUSHFQ
        absolute(0, 0x8f, 0, FLAGS); // POP
        if (avx) {
            for (int n = 0; n < 16; n++) upperHalf(0x19, n, 15); // VEXTRACTF128 [...], YMMn, 1
            bytes(0xc5, 0xf8, 0x77); // VZEROUPPER
        }
        absolute(0x48, 0x0fae, 0, FX);
        absolute(0x48, 0x0fae, 1, HOST_FX);
        bytes(0x9d, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3); // POPFQ, POP R15-R12, RBP, RBX; RET
        return take();
    }

    /// void handler(int signal, siginfo_t *, ucontext_t *)
    private byte[] handler() {
        context(UC_RIP);
        bytes(0x48, 0x2d); // SUB RAX, the region
        int32((int) base);
        bytes(0x48, 0x3d); // CMP RAX, its page of code
        int32(0x1000);
        bytes(0x73, 0); // JAE to the JVM's handler, below
        int jump = text.size();
        context(UC_TRAPNO);
        store(0, TRAP);
        context(UC_ERR);
        store(0, ERROR);
        context(UC_CR2);
        store(0, FAULT_ADDRESS);
        context(UC_RIP);
        store(0, FAULT_RIP);
        bytes(0x81, 0xa2); // AND [RDX + UC_EFLAGS], all but TF
        int32(UC_EFLAGS);
        int32(~0x100);
        bytes(0x66, 0xc7, 0x82); // MOV WORD [RDX + UC_CS], that of 64-bit code: the code may have left it
        int32(UC_CS);
        bytes(0x33, 0);
        // Under some hypervisors no handler can return with a stack pointer that is not canonical: #GP(0) comes instead, each time.
        context(UC_RSP);
        store(0, STATE + 32);
        absolute(0x48, 0x8b, 0, HOST_RSP);
        bytes(0x48, 0x89, 0x82); // MOV [RDX + UC_RSP], RAX
        int32(UC_RSP);
        bytes(0x48, 0xc7, 0x82); // MOV [RDX + UC_RIP], the epilogue without its store of RSP
        int32(UC_RIP);
        int32((int) base + EPILOGUE + AFTER_RSP);
        bytes(0xc3);
        int foreign = text.size();
        bytes(0xff, 0x24, 0xfd); // JMP [RDI * 8 + OLD_HANDLERS]
        int32((int) base + OLD_HANDLERS);
        byte[] code = take();
        code[jump - 1] = (byte) (foreign - jump);
        return code;
    }

    /// MOV RAX, [RDX + offset]
    private void context(int offset) {
        bytes(0x48, 0x8b, 0x82);
        int32(offset);
    }

    /// MOV [region + offset], r
    private void store(int r, int offset) {
        absolute(r < 8 ? 0x48 : 0x4c, 0x89, r & 7, offset);
    }

    /// An instruction with ModRM.reg `reg` and the absolute address region + offset.
    private void absolute(int rex, int opcode, int reg, int offset) {
        if (rex != 0) bytes(rex);
        if (opcode > 0xff) bytes(opcode >> 8);
        bytes(opcode, 0x04 | reg << 3, 0x25);
        int32((int) base + offset);
    }

    /// VEX.256.66.0F3A.W0 `opcode` /r 1 on YMM `n` and its place in memory.
    private void upperHalf(int opcode, int n, int vvvv) {
        bytes(0xc4, n < 8 ? 0xe3 : 0x63, 0x05 | (vvvv & 15) << 3, opcode, 0x04 | (n & 7) << 3, 0x25);
        int32((int) base + YMM_UPPER + 16 * n);
        bytes(1);
    }

    private void bytes(int... values) {
        for (int v : values) text.write(v);
    }

    private void int32(int value) {
        bytes(value, value >> 8, value >> 16, value >> 24);
    }

    private byte[] take() {
        byte[] code = text.toByteArray();
        text.reset();
        return code;
    }

    private void place(int offset, byte[] code) {
        MemorySegment.copy(code, 0, region, ValueLayout.JAVA_BYTE, offset, code.length);
    }
}
