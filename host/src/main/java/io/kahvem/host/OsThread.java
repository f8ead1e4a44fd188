package io.kahvem.host;

/// The calling thread, as the operating system knows it.
public final class OsThread {
    private OsThread() {}

    /// gettid(2) on Linux; elsewhere the JVM's number.
    public static long currentId() {
        if (!Platform.hasLinuxCalls()) return Thread.currentThread().threadId();
        return SystemCall.call(SystemCall.number("gettid"), 0, 0, 0);
    }
}
