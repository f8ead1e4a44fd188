package io.kahvem.devices;

/// Registers behind a window of ports or memory. A device answers at offsets inside its window and never learns where it is.
///
/// Called on vCPU threads under the device's own lock, which the device takes itself; sizes are 1, 2, 4 or 8 bytes, values are
/// zero-extended.
public interface IoDevice {
    /// What a read gives where nothing answers.
    long OPEN_BUS = -1L;

    long read(long offset, int size);

    void write(long offset, int size, long value);

    /// The widest access in bytes that reaches this device in one piece: 1, 2, 4 or 8. The bus cuts a wider one into pieces of this
    /// size, lowest address first, as a PC's bus does for byte-wide parts. Constant for the life of the device.
    default int widestAccess() {
        return 8;
    }
}
