package io.kahvem.config;

/// What happens to the machine when its guest switches itself off; QEMU's names.
public enum ShutdownAction {
    POWEROFF,
    /// It stays, stopped, until it is reset or ended from outside.
    PAUSE
}
