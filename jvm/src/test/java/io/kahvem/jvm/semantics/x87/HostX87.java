package io.kahvem.jvm.semantics.x87;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The x87 unit of the host's own CPU: runs an instruction on many operands by machine code in an executable page. Linux on x86-64 only.
///
/// Every case runs with all exceptions masked, and the unit is left initialized.
final class HostX87 implements AutoCloseable {
    /// A case in memory: where the code below reads and writes.
    static final int RECORD = 128;

    static final int CONTROL = 0;
    static final int STATUS = 2;
    static final int ST0 = 16;
    static final int ST1 = 32;
    static final int RESULT = 48;
    static final int RESULT_BELOW = 64;

    /// The memory operand, at a displacement of 0x50 from RDI.
    static final int MEMORY = 80;

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final long PAGE = 4096;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final Linker LINKER = Linker.nativeLinker();

    private final MethodHandle munmap;
    private final MemorySegment page;
    private final MethodHandle call;

    static boolean available() {
        return System.getProperty("os.arch").equals("amd64") && System.getProperty("os.name").equals("Linux");
    }

    HostX87() {
        ValueLayout.OfInt integer = ValueLayout.JAVA_INT;
        MethodHandle mmap = function("mmap", FunctionDescriptor.of(LONG, LONG, LONG, integer, integer, integer, LONG));
        munmap = function("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, LONG, LONG));
        try {
            int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
            long address = (long) mmap.invokeExact(0L, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
            if (address == -1) {
                throw new IllegalStateException("the host gives no executable page to test against");
            }
            page = MemorySegment.ofAddress(address).reinterpret(PAGE);
            call = LINKER.downcallHandle(page, FunctionDescriptor.ofVoid(LONG, LONG));
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }

    /// For each record: ST(0) and ST(1) loaded, the instruction, the status word and the two topmost registers stored.
    void run(int[] instruction, MemorySegment records, long count) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        emit(code, 0xdb, 0xe3); // fninit
        emit(code, 0xd9, 0x2f); // fldcw [rdi]
        emit(code, 0xdb, 0x6f, ST1); // fld tbyte [rdi + ST1]
        emit(code, 0xdb, 0x6f, ST0); // fld tbyte [rdi + ST0]
        emit(code, instruction);
        emit(code, 0xdd, 0x7f, STATUS); // fnstsw [rdi + STATUS]
        emit(code, 0xdb, 0x7f, RESULT); // fstp tbyte [rdi + RESULT]
        emit(code, 0xdb, 0x7f, RESULT_BELOW); // fstp tbyte [rdi + RESULT_BELOW]
        emit(code, 0x48, 0x81, 0xc7, RECORD, 0, 0, 0); // add rdi, RECORD
        emit(code, 0x48, 0xff, 0xce); // dec rsi
        emit(code, 0x75, -(code.size() + 2)); // jnz to the start
        emit(code, 0xdb, 0xe3, 0xc3); // fninit; ret
        MemorySegment.copy(code.toByteArray(), 0, page, ValueLayout.JAVA_BYTE, 0, code.size());
        try {
            call.invokeExact(records.address(), count);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static void emit(ByteArrayOutputStream code, int... bytes) {
        for (int b : bytes) {
            code.write(b);
        }
    }

    @Override
    public void close() {
        try {
            int unused = (int) munmap.invokeExact(page.address(), PAGE);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    static MemorySegment records(Arena arena, int count) {
        return arena.allocate((long) count * RECORD, 16);
    }
}
