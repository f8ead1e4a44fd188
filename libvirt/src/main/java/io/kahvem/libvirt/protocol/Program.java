package io.kahvem.libvirt.protocol;

/// The RPC programs that share a connection.
public enum Program {
    REMOTE(0x20008086),
    QEMU(0x20008087),
    /// Pings: not procedures of this table, but messages of their own (`virkeepaliveprotocol.x`).
    KEEPALIVE(0x6b656570);

    /// All programs are at their first version.
    public static final int VERSION = 1;

    private final int number;

    Program(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }
}
