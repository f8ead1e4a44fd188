package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.host.Descriptor;
import io.kahvem.host.Errno;
import io.kahvem.host.HostException;
import io.kahvem.host.HostFile;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.vmm.DescriptorSets;
import java.nio.file.Path;
import java.util.Optional;

/// Images that commands name: by a path or an address, or in descriptors that the client has passed. Throws [QmpException] in QEMU's words.
final class ImageFiles {
    private final PassedDescriptors descriptors;

    ImageFiles(PassedDescriptors descriptors) {
        this.descriptors = descriptors;
    }

    /// Opens an image that is there.
    BlockNode open(String name, OpenOptions options, QmpCall call) {
        Optional<Descriptor> passed = DescriptorSets.isOne(name) ? Optional.empty() : call.takeDescriptor();
        try {
            if (passed.isEmpty()) return Images.open(name, options.withFiles(descriptors.opener()));
            return Images.open(HostFile.of(passed.get(), Path.of(name)), name, options);
        } catch (BlockException e) {
            throw notOpened(name, e, e.errno());
        } catch (HostException e) {
            throw notOpened(name, e, e.errno());
        }
    }

    /// Makes an image and opens it for writing, with nothing attached below it.
    BlockNode make(ImageFormat format, String name, long sizeBytes, CreateOptions options, QmpCall call) {
        Optional<Descriptor> passed = descriptors.named(name, Descriptor.Access.READ_WRITE, call);
        OpenOptions writable = OpenOptions.writable(format.name()).withBacking(false);
        try {
            if (passed.isEmpty()) {
                Images.create(format, name, sizeBytes, options);
                return Images.open(name, writable);
            }
            Descriptor descriptor = passed.get();
            try {
                Images.create(HostFile.of(descriptor.duplicate(), Path.of(name)), format, name, sizeBytes, options);
            } catch (RuntimeException e) {
                descriptor.close();
                throw e;
            }
            return Images.open(HostFile.of(descriptor, Path.of(name)), name, writable);
        } catch (BlockException e) {
            throw notOpened(name, e, e.errno());
        } catch (HostException e) {
            throw notOpened(name, e, e.errno());
        }
    }

    private static QmpException notOpened(String name, RuntimeException e, int errno) {
        if (DescriptorSets.isOne(name) || (errno != Errno.EACCES && errno != Errno.EPERM)) return refused(e);
        return new QmpException(e.getMessage() + PassedDescriptors.REMEDY);
    }

    /// The format of a new image.
    static ImageFormat format(String name) {
        try {
            return Formats.named(name);
        } catch (BlockException unknown) {
            throw new QmpException("Unknown file format '%s'".formatted(name));
        }
    }

    static QmpException refused(RuntimeException e) {
        return new QmpException(String.valueOf(e.getMessage()));
    }
}
