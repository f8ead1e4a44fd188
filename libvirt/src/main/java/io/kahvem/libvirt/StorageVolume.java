package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.Storage.VolumeArg;
import io.kahvem.libvirt.protocol.Storage.VolumeFlags;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/// A volume of a pool. It names one and holds no state: every method asks.
public final class StorageVolume {
    private static final int CHUNK = 256 << 10;

    private final Connection connection;
    private final VolumeRef ref;

    StorageVolume(Connection connection, VolumeRef ref) {
        this.connection = connection;
        this.ref = ref;
    }

    public String name() {
        return ref.name();
    }

    /// The file behind it.
    public String path() {
        return connection.call(Storage.VOL_GET_PATH, new VolumeArg(ref)).text();
    }

    /// In bytes.
    public record Info(long capacity, long allocation) {}

    public Info info() {
        Storage.VolumeInfo info = connection.call(Storage.VOL_GET_INFO, new VolumeArg(ref));
        return new Info(info.capacity(), info.allocation());
    }

    public String describe() {
        return connection.call(Storage.VOL_GET_XML_DESC, new VolumeFlags(ref, 0)).text();
    }

    /// @param capacityBytes more than it has
    public void resize(long capacityBytes) {
        connection.call(Storage.VOL_RESIZE, new Storage.Resize(ref, capacityBytes, 0));
    }

    public void delete() {
        connection.call(Storage.VOL_DELETE, new VolumeFlags(ref, 0));
    }

    /// Writes all that `content` gives into its file, and returns when it is on the disk.
    public void upload(InputStream content) throws IOException {
        try (RpcStream stream = connection.stream(Storage.VOL_UPLOAD, new Storage.Transfer(ref, 0, 0, 0))) {
            byte[] chunk = new byte[CHUNK];
            for (int count; (count = content.read(chunk)) >= 0; ) stream.write(chunk, 0, count);
            stream.finish();
        }
    }

    /// Gives all of its file to `content`.
    public void download(OutputStream content) throws IOException {
        try (RpcStream stream = connection.stream(Storage.VOL_DOWNLOAD, new Storage.Transfer(ref, 0, 0, 0))) {
            for (byte[] chunk; (chunk = stream.read()) != null; ) content.write(chunk);
            stream.finish();
        }
    }
}
