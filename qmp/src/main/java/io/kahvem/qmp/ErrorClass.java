package io.kahvem.qmp;

/// The classes of QMP's errors, by their names on the wire (QEMU's qapi/error.json).
public enum ErrorClass {
    GenericError,
    CommandNotFound,
    DeviceNotActive,
    DeviceNotFound,
    KVMMissingCap
}
