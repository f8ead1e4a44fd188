package io.kahvem.config;

/// What happens to the machine when its guest tells that it has panicked; QEMU's names.
public enum PanicAction {
    NONE,
    PAUSE,
    SHUTDOWN,
    EXIT_FAILURE
}
