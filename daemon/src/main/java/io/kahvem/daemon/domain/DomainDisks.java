package io.kahvem.daemon.domain;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A machine's disks and what is counted of them.
public final class DomainDisks {
    /// What qcow2 counts the size of a disk in.
    private static final int SECTOR = 512;

    private DomainDisks() {}

    /// @param target as the guest's users know it: vda
    public record Disk(String target, Optional<String> source, String format, Optional<MachineProcess.DiskStatistics> statistics) {}

    /// Sizes in bytes.
    public record Sizes(long capacity, long allocation, long physical) {}

    public static List<Disk> all(Domain domain) {
        Domain.Running now = domain.running();
        List<MachineProcess.DiskStatistics> counted = now == null ? List.of() : now.process().diskStatistics();
        List<Disk> disks = new ArrayList<>();
        for (Element disk : domain.definition().devices("disk")) {
            String alias = LiveDefinition.diskAlias(disk);
            disks.add(new Disk(disk.attributeAt("target", "dev").orElse(""), disk.attributeAt("source", "file").or(() ->
                    disk.attributeAt("source", "dev")), disk.attributeAt("driver", "type").orElse("raw"),
                    counted.stream().filter(each -> each.alias().equals(alias)).findFirst()));
        }
        return disks;
    }

    /// The disk of a target or a file. Throws where there is none.
    public static Disk find(Domain domain, String path) {
        return all(domain).stream().filter(disk -> disk.target().equals(path) || disk.source().equals(Optional.of(path))).findFirst()
                .orElseThrow(() -> Errors.argument("invalid path: %s", path));
    }

    /// Makes the disk of a running machine larger or smaller, while the guest uses it.
    public static void resize(Domain domain, String path, long bytes) {
        domain.change("virDomainBlockResize", () -> {
            Domain.Running now = domain.requireRunning();
            if (path.isEmpty()) throw Errors.argument("empty path");
            Element disk = now.live().devices("disk").stream()
                    .filter(each -> path.equals(each.attributeAt("target", "dev").orElse(""))
                            || path.equals(each.attributeAt("source", "file").orElse("")))
                    .findFirst().orElseThrow(() -> Errors.argument("disk '%s' was not found in the domain config", path));
            if (disk.child("source") == null || disk.child("readonly") != null) {
                throw LibvirtException.of(ErrorCode.ARGUMENT_UNSUPPORTED, ErrorDomain.QEMU,
                        "can't resize empty or readonly disk '%s'".formatted(disk.attributeAt("target", "dev").orElse("")));
            }
            boolean qcow2 = disk.attributeAt("driver", "type").filter("qcow2"::equals).isPresent();
            now.process().resizeDisk(LiveDefinition.diskAlias(disk), qcow2 ? (bytes + SECTOR - 1) / SECTOR * SECTOR : bytes);
        });
    }

    /// What its image is now; a running machine goes on writing it.
    public static Sizes sizes(Disk disk) {
        String file = disk.source().orElseThrow(() -> Errors.argument("disk '%s' does not currently have a source assigned",
                disk.target()));
        try (BlockNode node = Images.open(file, OpenOptions.readOnly(disk.format()).withShareable(true).withBacking(false));
                BlockNode raw = Images.open(file, OpenOptions.readOnly("raw").withShareable(true))) {
            return new Sizes(node.sizeBytes(), node.allocatedSize(), raw.sizeBytes());
        } catch (BlockException e) {
            throw Errors.failed("cannot read image '%s': %s", file, e.getMessage());
        }
    }
}
