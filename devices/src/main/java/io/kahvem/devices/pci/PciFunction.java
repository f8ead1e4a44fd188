package io.kahvem.devices.pci;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.host.Mapping;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One PCI function: its configuration space (PCI Local Bus 3.0, chapter 6; from 0x100 up PCI Express 3.0, 7.2) and which of their bits a
/// guest may write, its base address registers, capabilities and interrupts.
///
/// A device fills the read-only part in its constructor, opens bits with [#writable], and learns of writes by [#configWritten]. What it
/// adds with [#registers], [#window] and [#rom] is on the bus while COMMAND says so, wherever the guest puts it.
///
/// Lock: this object's monitor for configuration space; a device that has a lock of its own takes it before, never in [#configWritten].
/// Interrupts ([#setIntx], [Msi#signal], [MsiX#signal]) need no lock and may be used under any device's.
public abstract class PciFunction implements Device {
    public static final int CONFIG_BYTES = 4096;
    /// What configuration mechanism #1 reaches.
    public static final int CONVENTIONAL_BYTES = 256;

    public static final int VENDOR_ID = 0x00;
    public static final int DEVICE_ID = 0x02;
    public static final int COMMAND = 0x04;
    public static final int STATUS = 0x06;
    public static final int REVISION_ID = 0x08;
    public static final int CLASS_CODE = 0x09;
    public static final int HEADER_TYPE = 0x0e;
    public static final int BAR0 = 0x10;
    public static final int SUBSYSTEM_VENDOR_ID = 0x2c;
    public static final int SUBSYSTEM_ID = 0x2e;
    public static final int EXPANSION_ROM = 0x30;
    public static final int CAPABILITIES = 0x34;
    public static final int INTERRUPT_LINE = 0x3c;
    public static final int INTERRUPT_PIN = 0x3d;

    public static final int COMMAND_IO = 1;
    public static final int COMMAND_MEMORY = 1 << 1;
    public static final int COMMAND_BUS_MASTER = 1 << 2;
    public static final int COMMAND_PARITY = 1 << 6;
    public static final int COMMAND_SERR = 1 << 8;
    public static final int COMMAND_INTX_DISABLE = 1 << 10;

    public static final int HEADER_MULTI_FUNCTION = 0x80;

    private static final int STATUS_INTERRUPT = 1 << 3;
    private static final int STATUS_CAPABILITIES = 1 << 4;
    private static final int FIRST_CAPABILITY = 0x40;

    private final byte[] config = new byte[CONFIG_BYTES];
    private final byte[] initial = new byte[CONFIG_BYTES];
    private final byte[] writeMask = new byte[CONFIG_BYTES];
    private final byte[] clearMask = new byte[CONFIG_BYTES];
    private final List<BaseAddress> bases = new ArrayList<>();
    private final IntxPin intx = new IntxPin();
    private int freeCapability = FIRST_CAPABILITY;
    private int lastCapability;
    private @Nullable Msi msi;
    private @Nullable MsiX msiX;
    private volatile @Nullable PciConnection connection;
    private volatile boolean busMaster;

    /// What the first of a BAR's bits say (6.2.5.1).
    public enum BarKind {
        IO(1),
        MEMORY_32(0),
        /// Takes two registers.
        MEMORY_64(4),
        /// Reads have no side effects, and writes may be merged. Takes two registers.
        PREFETCHABLE_64(12),
        PREFETCHABLE_32(8);

        final int flags;

        BarKind(int flags) {
            this.flags = flags;
        }

        boolean isWide() {
            return this == MEMORY_64 || this == PREFETCHABLE_64;
        }
    }

    /// @param classCode base class, subclass and programming interface, 24 bits
    protected PciFunction(int vendorId, int deviceId, int classCode, int revision) {
        initialize(VENDOR_ID, 2, vendorId);
        initialize(DEVICE_ID, 2, deviceId);
        initialize(REVISION_ID, 1, revision);
        initialize(CLASS_CODE, 3, classCode);
        writable(INTERRUPT_LINE, 1, 0xff);
    }

    /// Reads 1, 2 or 4 bytes at a naturally aligned offset.
    public final synchronized int readConfig(int offset, int size) {
        int value = get(config, offset, size);
        if (offset <= STATUS && STATUS < offset + size && intx.asserted()) value |= STATUS_INTERRUPT << 8 * (STATUS - offset);
        if (msi != null) value |= msi.pendingAt(offset, size);
        return configRead(offset, size, value);
    }

    /// Writes 1, 2 or 4 bytes at a naturally aligned offset; bits that are not writable stay.
    public final synchronized void writeConfig(int offset, int size, int value) {
        for (int i = 0; i < size; i++) {
            int mask = writeMask[offset + i];
            int written = value >> (8 * i);
            int kept = config[offset + i] & ~(clearMask[offset + i] & written);
            config[offset + i] = (byte) (kept & ~mask | written & mask);
        }
        apply(offset, size);
        configWritten(offset, size);
    }

    @Override
    public synchronized void reset() {
        System.arraycopy(initial, 0, config, 0, CONFIG_BYTES);
        if (msiX != null) msiX.reset();
        intx.set(false);
        apply(0, CONFIG_BYTES);
    }

    /// Whether the guest lets this function write to memory; its interrupt messages are such writes. Any thread.
    public final boolean isBusMaster() {
        return busMaster;
    }

    /// Drives the function's interrupt pin, which INTERRUPT_PIN names. Any thread, any lock held.
    public final void setIntx(boolean level) {
        intx.set(level);
    }

    /// Sets what a register holds from reset on; for constructors.
    protected final void initialize(int offset, int size, int value) {
        for (int i = 0; i < size; i++) {
            initial[offset + i] = (byte) (value >> (8 * i));
            config[offset + i] = initial[offset + i];
        }
    }

    /// Opens these bits of a register to the guest; for constructors.
    protected final void writable(int offset, int size, int mask) {
        for (int i = 0; i < size; i++) writeMask[offset + i] = (byte) (mask >> (8 * i));
    }

    /// Bits that a guest clears by writing ones; for constructors.
    protected final void clearable(int offset, int size, int mask) {
        for (int i = 0; i < size; i++) clearMask[offset + i] = (byte) (mask >> (8 * i));
    }

    /// What the register holds now, without what a read adds.
    protected final synchronized int config(int offset, int size) {
        return get(config, offset, size);
    }

    /// Changes what the register holds, as the device itself does.
    protected final synchronized void setConfig(int offset, int size, int value) {
        for (int i = 0; i < size; i++) config[offset + i] = (byte) (value >> (8 * i));
    }

    /// What a guest reads here instead of `value`, which configuration space holds; called under the function's lock.
    protected int configRead(int offset, int size, int value) {
        return value;
    }

    /// A guest has written here; called under the function's lock, after base addresses and interrupts have followed.
    protected void configWritten(int offset, int size) {}

    /// BAR `index` (0 to 5): `sizeBytes`, a power of two from 4 up (16 for memory), of registers. For constructors.
    protected final void registers(int index, BarKind kind, long sizeBytes, IoDevice device) {
        bar(new BaseAddress(BAR0 + 4 * index, kind, sizeBytes, device, null));
    }

    /// BAR `index`: all of `mapping`, which `memory` owns from the first time that the guest maps it. For constructors.
    protected final void window(int index, BarKind kind, GuestMemory memory, Mapping mapping) {
        bar(new BaseAddress(BAR0 + 4 * index, kind, mapping.sizeBytes(), null, new BaseAddress.Slot(memory, mapping)));
    }

    /// The expansion ROM's register: `image`, which begins with 55 AA, in the next power of two. For constructors.
    protected final void rom(byte[] image) {
        long size = Math.max(2048, Long.highestOneBit(2L * image.length - 1));
        bar(new BaseAddress(EXPANSION_ROM, BarKind.MEMORY_32, size, new RomImage(image), null));
    }

    /// Interrupt pin 1 (INTA#) to 4. For constructors.
    protected final void interruptPin(int pin) {
        initialize(INTERRUPT_PIN, 1, pin);
        commandBits(COMMAND_INTX_DISABLE);
    }

    /// Adds a capability (6.7) of `bytes` with its two bytes of header, and gives its offset. For constructors.
    protected final int capability(int id, int bytes) {
        int at = freeCapability;
        capabilityAt(at, id, bytes);
        return at;
    }

    /// The same at an offset that software expects.
    protected final void capabilityAt(int at, int id, int bytes) {
        int end = (at + bytes + 3) & ~3;
        if (at < FIRST_CAPABILITY || end > CONVENTIONAL_BYTES) throw new IllegalArgumentException("capability at %#x".formatted(at));
        initialize(STATUS, 2, get(initial, STATUS, 2) | STATUS_CAPABILITIES);
        initialize(at, 1, id);
        initialize(lastCapability == 0 ? CAPABILITIES : lastCapability + 1, 1, at);
        lastCapability = at;
        freeCapability = Math.max(freeCapability, end);
    }

    /// Message-signalled interrupts of 1 to 32 vectors (6.8.1), 64-bit and with masks. For constructors.
    protected final Msi msi(int vectors) {
        Msi added = new Msi(capability(Msi.ID, Msi.BYTES), vectors, this::sendMessage);
        msi = added;
        initialize(added.offset() + 2, 2, added.initialControl());
        writable(added.offset() + 2, 2, Msi.CONTROL_WRITABLE);
        writable(added.offset() + 4, 4, -4);
        writable(added.offset() + 8, 4, -1);
        writable(added.offset() + 12, 2, 0xffff);
        writable(added.offset() + 16, 4, added.allVectors());
        commandBits(COMMAND_BUS_MASTER);
        return added;
    }

    /// MSI-X (6.8.2) of 1 to 2048 vectors, with the table and, after it, the pending bits at `offset` of a BAR; `registers` of that BAR
    /// pass accesses there on to [MsiX#structures]. For constructors.
    protected final MsiX msiX(int vectors, int bar, int offset) {
        MsiX added = new MsiX(capability(MsiX.ID, MsiX.BYTES), vectors, this::sendMessage);
        msiX = added;
        initialize(added.offset() + 2, 2, vectors - 1);
        writable(added.offset() + 2, 2, MsiX.CONTROL_WRITABLE);
        initialize(added.offset() + 4, 4, offset | bar);
        initialize(added.offset() + 8, 4, offset + added.pendingOffset() | bar);
        commandBits(COMMAND_BUS_MASTER);
        return added;
    }

    /// MSI-X with a BAR of its own.
    protected final MsiX msiX(int vectors, int bar) {
        MsiX added = msiX(vectors, bar, 0);
        registers(bar, BarKind.MEMORY_32, added.structureBytes(), added.structures());
        return added;
    }

    /// Bits of COMMAND that the guest may set, beside those that BARs and interrupts bring. For constructors.
    protected final void commandBits(int bits) {
        writable(COMMAND, 2, get(writeMask, COMMAND, 2) | bits);
    }

    /// Says in function 0's header that its slot has other functions too.
    final synchronized void markMultiFunction() {
        initialize(HEADER_TYPE, 1, get(initial, HEADER_TYPE, 1) | HEADER_MULTI_FUNCTION);
    }

    /// Plugged in: from here on base addresses are on the bus and interrupts go out.
    final synchronized void connect(PciConnection to) {
        connection = to;
        for (BaseAddress base : bases) base.connect(to);
        intx.connect(to.pin(get(config, INTERRUPT_PIN, 1)));
        apply(0, CONFIG_BYTES);
        connected(to);
    }

    /// Unplugged.
    final synchronized void disconnect() {
        for (BaseAddress base : bases) base.disconnect();
        intx.connect(level -> {});
        busMaster = false;
        connection = null;
        disconnected();
    }

    /// The function is on a bus; under its lock.
    void connected(PciConnection to) {}

    /// The function is on no bus any more; under its lock.
    void disconnected() {}

    /// Takes the message of [Msi] and [MsiX]: a write of the function's to memory, so only a bus master can make it.
    private void sendMessage(long address, int data) {
        PciConnection to = connection;
        if (to != null && busMaster) to.msi().send(address, data);
    }

    private void bar(BaseAddress base) {
        bases.add(base);
        boolean rom = base.register() == EXPANSION_ROM;
        initialize(base.register(), 4, rom ? 0 : base.kind().flags);
        writable(base.register(), 4, (int) -base.sizeBytes() | (rom ? 1 : 0));
        if (base.kind().isWide()) writable(base.register() + 4, 4, (int) (-base.sizeBytes() >> 32));
        commandBits(base.kind() == BarKind.IO ? COMMAND_IO : COMMAND_MEMORY);
    }

    /// Lets what stands outside of configuration space follow a change in it.
    private void apply(int offset, int size) {
        int command = get(config, COMMAND, 2);
        boolean toCommand = offset < COMMAND + 2 && offset + size > COMMAND;
        if (toCommand) {
            busMaster = (command & COMMAND_BUS_MASTER) != 0;
            intx.setDisabled((command & COMMAND_INTX_DISABLE) != 0);
        }
        for (BaseAddress base : bases) {
            boolean toBase = offset < base.register() + (base.kind().isWide() ? 8 : 4) && offset + size > base.register();
            if (toCommand || toBase) base.place(command, low(base), base.kind().isWide() ? get(config, base.register() + 4, 4) : 0);
        }
        if (msi != null && offset < msi.offset() + Msi.BYTES && offset + size > msi.offset()) {
            int at = msi.offset();
            long address = get(config, at + 4, 4) & 0xffff_ffffL | (long) get(config, at + 8, 4) << 32;
            msi.set(get(config, at + 2, 2), address, get(config, at + 12, 2), get(config, at + 16, 4));
        }
        if (msiX != null && offset < msiX.offset() + 4 && offset + size > msiX.offset()) msiX.setControl(get(config, msiX.offset() + 2, 2));
    }

    private int low(BaseAddress base) {
        return get(config, base.register(), 4);
    }

    private static int get(byte[] from, int offset, int size) {
        int value = 0;
        for (int i = 0; i < size; i++) value |= (from[offset + i] & 0xff) << (8 * i);
        return value;
    }
}
