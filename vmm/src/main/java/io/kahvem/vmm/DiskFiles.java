package io.kahvem.vmm;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.FileOpener;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.nbd.NbdUrl;
import io.kahvem.config.Disk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The host's files, and TCP ports, that a disk needs: what a confined process must be left.
///
/// @param read opened for reading alone: layers below the image, and the image itself where nothing is written to it
/// @param written opened for reading and writing
/// @param temporary directories in which a file is made, and taken away again at once
/// @param ports where its layers are served
public record DiskFiles(List<Path> read, List<Path> written, List<Path> temporary, List<Integer> ports) {
    private static final int MOST_LAYERS = 200;

    /// Of the C library (resolver(5), nsswitch.conf(5)).
    private static final List<Path> RESOLVER = List.of(Path.of("/etc/hosts"), Path.of("/etc/nsswitch.conf"), Path.of("/etc/resolv.conf"),
            Path.of("/etc/host.conf"), Path.of("/etc/gai.conf"));

    public DiskFiles {
        read = List.copyOf(read);
        written = List.copyOf(written);
        temporary = List.copyOf(temporary);
        ports = List.copyOf(ports);
    }

    /// Looks at the image for the layers below it. What cannot be opened is left to the machine, which says so.
    ///
    /// @param files opens them
    public static DiskFiles of(Disk disk, FileOpener files) {
        List<Path> read = new ArrayList<>();
        List<Path> written = new ArrayList<>();
        List<Integer> ports = new ArrayList<>();
        if (disk.file().isEmpty()) return new DiskFiles(read, written, List.of(), ports);
        served(disk.file().get().toString(), read, ports);
        boolean writes = !disk.readOnly() && !disk.snapshot();
        if (isFile(disk.file().get().toString())) (writes ? written : read).add(disk.file().get());
        @Nullable String name = disk.file().get().toString();
        @Nullable String format = disk.format().orElse(null);
        for (int layers = 0; name != null && layers < MOST_LAYERS; layers++) {
            try (BlockNode node = Images.open(name, OpenOptions.readOnly(format).withShareable(true).withBacking(false).withFiles(files))) {
                String below = node.backingFile();
                format = node.backingFormat();
                name = below == null ? null : Images.resolve(name, below);
                if (name != null && isFile(name)) read.add(Path.of(name));
                if (name != null) served(name, read, ports);
            } catch (BlockException e) {
                break;
            }
        }
        return new DiskFiles(read, written, disk.snapshot() ? List.of(temporaryDirectory()) : List.of(), ports);
    }

    /// Not an address: what is served elsewhere is connected to before the system calls are taken, and asks for no file. Nor what is open.
    private static boolean isFile(String name) {
        return !NbdUrl.isOne(name) && !DescriptorSets.isOne(name);
    }

    /// What an address needs: a port, the files that names of hosts are looked up in, and certificates for TLS.
    private static void served(String name, List<Path> read, List<Integer> ports) {
        if (!NbdUrl.isOne(name)) return;
        try {
            NbdUrl url = NbdUrl.parse(name);
            url.tls().ifPresent(tls -> read.add(tls.certificates()));
            if (url.address() instanceof InetSocketAddress tcp) {
                ports.add(tcp.getPort());
                read.addAll(RESOLVER);
            }
        } catch (BlockException e) {
            return; // the machine says so
        }
    }

    private static Path temporaryDirectory() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    /// An image on top of the disk's, in a file without a name: what is written there is gone with the process.
    static BlockBackend openSnapshot(Disk disk, FileOpener files) {
        Path file = disk.file().orElseThrow();
        String name = (isFile(file.toString()) ? file.toAbsolutePath() : file).toString();
        ImageFormat qcow2 = Formats.named("qcow2");
        try (BlockNode base = Images.open(name, OpenOptions.readOnly(disk.format().orElse(null)).withShareable(true).withFiles(files))) {
            Path top = Files.createTempFile(temporaryDirectory(), "kahvem-snapshot-", ".qcow2");
            try {
                CreateOptions options = new CreateOptions(qcow2).set("backing_file", name).set("backing_fmt", base.format());
                Images.create(qcow2, top.toString(), base.sizeBytes(), options);
                OpenOptions writable = OpenOptions.writable("qcow2").withCache(CacheMode.of(disk.cache())).withFiles(files);
                return Images.openDisk(top.toString(), writable);
            } finally {
                Files.delete(top);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary file for the snapshot of " + name + ": " + e.getMessage(), e);
        }
    }
}
