package io.kahvem.vmm.boot;

import io.kahvem.config.Boot;
import io.kahvem.hypervisor.CpuState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;

/// A kernel, its files open and its kind known. Loaded into guest memory as often as the machine resets.
public sealed interface BootImage extends AutoCloseable permits LinuxImage, MultibootImage, PvhImage {
    /// Opens the files and looks at the kernel's first bytes. Throws BootException where something is wrong with them; nothing is left
    /// open then.
    static BootImage open(Boot.Kernel boot) {
        ImageFile kernel = ImageFile.open("kernel", boot.kernel());
        Optional<ImageFile> initrd = Optional.empty();
        try {
            byte[] head = kernel.readUpTo(0, MultibootImage.SEARCH_BYTES);
            if (head.length == 0) throw kernel.bad("is empty");
            if (LinuxImage.isLinux(head)) {
                initrd = initrd(boot);
                return LinuxImage.of(kernel, initrd, boot.commandLine());
            }
            Optional<Elf> elf = Elf.isElf(head) ? Optional.of(Elf.parse(kernel.toString(), kernel.stream(0, kernel.size())))
                    : Optional.empty();
            if (MultibootImage.isMultiboot(head) && (MultibootImage.tellsAddresses(head) || elf.stream().noneMatch(Elf::wide))) {
                return MultibootImage.of(kernel, head, elf, boot);
            }
            if (elf.isPresent()) {
                initrd = initrd(boot);
                return PvhImage.of(kernel, elf.get(), initrd, boot.commandLine());
            }
            throw kernel.bad("is no kernel known here: not a Linux bzImage, not an ELF with a PVH note, not Multiboot 1 (it begins with %s)"
                    .formatted(HexFormat.ofDelimiter(" ").formatHex(head, 0, Math.min(8, head.length))));
        } catch (IOException | RuntimeException e) {
            kernel.close();
            initrd.ifPresent(ImageFile::close);
            throw e instanceof RuntimeException told ? told : kernel.bad("is damaged: " + e.getMessage());
        }
    }

    private static Optional<ImageFile> initrd(Boot.Kernel boot) {
        return boot.initrd().map(path -> ImageFile.open("initrd", Path.of(path)));
    }

    /// Writes the kernel and what belongs to it to guest memory; returns the state in which the bootstrap processor starts it.
    /// Throws BootException where the file is damaged or the machine too small for it.
    CpuState load(BootTarget target);

    /// Closes the files.
    @Override
    void close();
}
