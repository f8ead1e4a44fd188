package io.kahvem.vmm;

/// Why a machine was reset or ended; the names are those of QEMU's run-state.json.
public enum ShutdownCause {
    HOST_ERROR(false),
    HOST_QMP_QUIT(false),
    HOST_QMP_SYSTEM_RESET(false),
    HOST_SIGNAL(false),
    HOST_UI(false),
    GUEST_SHUTDOWN(true),
    GUEST_RESET(true),
    GUEST_PANIC(true);

    private final boolean guest;

    ShutdownCause(boolean guest) {
        this.guest = guest;
    }

    /// Whether the guest asked for it.
    public boolean isGuests() {
        return guest;
    }
}
