package io.kahvem.daemon.domain;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.daemon.xml.Element;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A machine's disks and what is counted of them.
public final class DomainDisks {
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
