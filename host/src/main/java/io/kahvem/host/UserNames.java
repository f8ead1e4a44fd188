package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The names of users by their numbers (getpwuid_r(3)).
final class UserNames {
    /// Linked where somebody else than root is asked for.
    private static final class Call {
        static final MethodHandle GETPWUID_R =
                Libc.function("getpwuid_r", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

        private Call() {}
    }

    /// Of `struct passwd`, whose first word is the name's address.
    private static final int PASSWD_BYTES = 64;
    private static final int TEXT_BYTES = 4096;
    private static final int NAME_BYTES = 256;

    private UserNames() {}

    static String of(int user) {
        if (user == 0) return "root";
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(PASSWD_BYTES, 8);
            MemorySegment found = arena.allocate(ADDRESS);
            int _ = (int) Call.GETPWUID_R.invokeExact(Libc.callState(arena), user, entry, arena.allocate(TEXT_BYTES), (long) TEXT_BYTES,
                    found);
            if (found.get(JAVA_LONG, 0) == 0) return Integer.toUnsignedString(user);
            return entry.get(ADDRESS, 0).reinterpret(NAME_BYTES).getString(0);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
