package io.kahvem.devices.virtio;

/// Reserved feature bits (virtio 1.2, 6) that are offered for every device.
public final class VirtioFeatures {
    public static final long INDIRECT_DESC = 1L << 28;
    public static final long EVENT_IDX = 1L << 29;
    public static final long VERSION_1 = 1L << 32;
    public static final long RING_PACKED = 1L << 34;
    public static final long RING_RESET = 1L << 40;

    static final long OFFERED = INDIRECT_DESC | EVENT_IDX | VERSION_1 | RING_PACKED | RING_RESET;

    private VirtioFeatures() {}
}
