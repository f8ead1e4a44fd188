package io.kahvem.host;

/// The calling thread, as the operating system knows it.
public final class OsThread {
    private OsThread() {}

    /// gettid(2) on Linux; elsewhere the JVM's number.
    public static long currentId() {
        if (!Platform.hasLinuxCalls()) return Thread.currentThread().threadId();
        int gettid = Syscalls.of(System.getProperty("os.arch")).flatMap(calls -> calls.number("gettid")).orElseThrow();
        return SystemCall.call(gettid, 0, 0, 0);
    }
}
