package io.kahvem.libvirt.rpc;

/// How a call or a stream stands (virNetMessageStatus).
public final class Status {
    public static final int OK = 0;
    public static final int ERROR = 1;

    /// A stream goes on: its packet carries data, or its end where there is none.
    public static final int CONTINUE = 2;

    private Status() {}
}
