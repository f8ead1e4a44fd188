package io.kahvem.daemon.storage;

import io.kahvem.block.Images;
import io.kahvem.daemon.xml.Element;

/// What kinds of pools there are: the document of `virsh pool-capabilities` (storagepoolcaps.rng).
public final class PoolCapabilities {
    private static final String[] OTHERS = {"fs", "netfs", "logical", "iscsi", "iscsi-direct", "scsi", "mpath", "disk", "rbd", "sheepdog",
        "gluster", "zfs", "vstorage"};

    private PoolCapabilities() {}

    public static String document() {
        Element root = new Element("storagepoolCapabilities");
        Element formats = new Element("enum").with("name", "targetFormatType");
        for (String format : Images.formatNames()) formats.add(new Element("value", format));
        Element options = new Element("volOptions").add(new Element("defaultFormat").with("type", "raw")).add(formats);
        root.add(new Element("pool").with("type", "dir").with("supported", "yes").add(options));
        for (String other : OTHERS) root.add(new Element("pool").with("type", other).with("supported", "no"));
        return root.toString();
    }
}
