package io.kahvem.vmm.firmware;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.devices.firmware.FlashChip;
import io.kahvem.vmm.boot.BootException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The file that a machine's UEFI variables are kept in, locked as disk images are: no two machines write one.
final class VariablesFile implements FlashChip.Store, AutoCloseable {
    private static final int MAX_BYTES = 8 << 20;

    private final BlockNode node;

    private VariablesFile(BlockNode node) {
        this.node = node;
    }

    /// Opens it; where there is none, makes it from `template` first. Throws BootException, naming the file.
    static VariablesFile open(Path path, Optional<byte[]> template) {
        ImageFormat raw = Formats.named("raw");
        boolean isNew = !Files.exists(path);
        try {
            if (isNew) {
                byte[] content = template.orElseThrow(() -> new BootException(
                        ("firmware variables %s: there is no such file; "
                                + "copy the template there that came with the firmware").formatted(path)));
                Images.create(raw, path.toString(), content.length, new CreateOptions(raw));
            }
            VariablesFile file = new VariablesFile(Images.open(path.toString(), OpenOptions.writable("raw")));
            try {
                if (isNew) file.save(0, MemorySegment.ofArray(template.orElseThrow()));
                file.check(path, template);
                return file;
            } catch (RuntimeException e) {
                file.close();
                throw e;
            }
        } catch (BlockException e) {
            throw new BootException("firmware variables %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    private void check(Path path, Optional<byte[]> template) {
        long size = node.sizeBytes();
        if (size == 0 || size > MAX_BYTES || size % FlashChip.BLOCK != 0) {
            throw new BootException("firmware variables %s: has %d bytes; flash memory has up to 8 MiB, in whole blocks of 4 KiB"
                    .formatted(path, size));
        }
        if (template.isPresent() && template.get().length != size) {
            throw new BootException(("firmware variables %s: has %d bytes, and this firmware's have %d: they are another firmware's"
                    + "; give another file, and it is made").formatted(path, size, template.get().length));
        }
    }

    byte[] content() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(node.sizeBytes(), 4096);
            node.read(0, memory);
            return memory.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Override
    public void save(long offset, MemorySegment bytes) {
        try (Arena arena = Arena.ofShared()) {
            node.write(offset, arena.allocate(bytes.byteSize(), 4096).copyFrom(bytes));
            node.flush();
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
