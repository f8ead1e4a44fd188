package io.kahvem.vmm;

/// What is plugged into root ports while the guest runs.
public enum HotDisk {
    VIRTIO_BLK("virtio-blk-pci", "virtio-blk", "virtio-blk-device"),
    NVME("nvme", "nvme", "nvme");

    private final String model;
    private final String alias;
    private final String property;

    HotDisk(String model, String alias, String property) {
        this.model = model;
        this.alias = alias;
        this.property = property;
    }

    /// QEMU's name of it.
    public String model() {
        return model;
    }

    /// QEMU's other name.
    public String alias() {
        return alias;
    }

    /// Whose properties they are, in QEMU's messages.
    public String property() {
        return property;
    }
}
