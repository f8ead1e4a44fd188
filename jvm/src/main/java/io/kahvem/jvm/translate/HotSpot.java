package io.kahvem.jvm.translate;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// HotSpot's compilers, asked through its testing interface, which the launcher switches on (docs/design/translator.md has why, and what it
/// gains). Without that, HotSpot compiles what was called often enough. Any thread.
final class HotSpot {
    /// By the first compiler, without counters for the second one: quickly compiled.
    static final int QUICK = 1;

    /// By the second compiler, without a profile: every branch may be taken, nothing is thrown away later.
    static final int WELL = 4;

    /// The class the launcher puts on the boot class path.
    private static final String WHITE_BOX = "jdk.test.whitebox.WhiteBox";

    /// What is inlined into regions whatever its size, and however much was inlined before: each memory access is some calls. Floating
    /// point is left out: a call each costs less than the code that its checks become.
    private static final String DIRECTIVE = """
            [{
                match: "io/kahvem/jvm/translate/Region_*.run",
                c1: { inline: ["+io/kahvem/jvm/mmu/Inline.*", "+io/kahvem/host/Words.*", "+java/lang/Long.compareUnsigned",
                    "+java/lang/Integer.compareUnsigned"] },
                c2: { inline: ["+io/kahvem/jvm/mmu/Inline.*", "+io/kahvem/host/Words.*", "+io/kahvem/jvm/semantics/Shift.*",
                    "+io/kahvem/jvm/semantics/Arith.*", "+io/kahvem/jvm/semantics/Logic.*", "+io/kahvem/jvm/semantics/Condition.*",
                    "+io/kahvem/jvm/cpu/Flags.*", "+io/kahvem/jvm/semantics/sse/Integers.*", "+io/kahvem/jvm/semantics/sse/Plain.*"] }
            }]""";

    /// One a JVM, since the directive is.
    private static final @Nullable HotSpot INSTANCE = find();

    private final MethodHandle enqueue;
    private final MethodHandle level;

    private HotSpot(MethodHandle enqueue, MethodHandle level) {
        this.enqueue = enqueue;
        this.level = level;
    }

    /// The compilers, or null where this JVM was started without the interface.
    static @Nullable HotSpot compilers() {
        return INSTANCE;
    }

    private static @Nullable HotSpot find() {
        try {
            Class<?> box = Class.forName(WHITE_BOX, true, null);
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            MethodHandle enqueue = lookup.findStatic(box, "enqueueMethodForCompilation0",
                    MethodType.methodType(boolean.class, Executable.class, int.class, int.class));
            MethodHandle level = lookup.findStatic(box, "getMethodCompilationLevel0",
                    MethodType.methodType(int.class, Executable.class, boolean.class));
            MethodHandle direct = lookup.findStatic(box, "addCompilerDirective", MethodType.methodType(int.class, String.class));
            MethodHandle set = lookup.findStatic(box, "setBooleanVMFlag", MethodType.methodType(void.class, String.class, boolean.class));
            invoke(set, "DisplayVMOutput", false); // or it prints that it has added a directive, where only guests print
            try {
                return Objects.equals(invoke(direct, DIRECTIVE), 1) ? new HotSpot(enqueue, level) : null;
            } finally {
                invoke(set, "DisplayVMOutput", true);
            }
        } catch (ReflectiveOperationException | LinkageError e) {
            return null;
        }
    }

    /// Asks for `method` to be compiled, which is done in the background if it can be.
    void compile(Method method, int level) {
        invoke(enqueue, method, level, -1);
    }

    /// How `method` is compiled; 0 if it is not.
    int level(Method method) {
        return (int) Objects.requireNonNull(invoke(level, method, false));
    }

    private static @Nullable Object invoke(MethodHandle handle, Object... arguments) {
        try {
            return handle.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError("a native method throws nothing else", t);
        }
    }
}
