package io.kahvem.cli.virsh;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.w3c.dom.Element;

/// Disks in a machine's description.
final class Disks {
    private Disks() {}

    /// Where a disk's data is, or a dash.
    static String source(Element disk) {
        Optional<Element> source = Xml.element(disk, "source");
        if (source.isEmpty()) return "-";
        return Stream.of("file", "dev", "dir", "name", "volume")
                .flatMap(name -> Xml.attribute(source.get(), name).stream()).findFirst().orElse("-");
    }

    static String target(Element disk) {
        return Xml.attribute(disk, "target", "dev").orElse("-");
    }

    /// The disk of these kinds with that target or source.
    static Element find(Element domain, String name, List<String> kinds) {
        return Xml.elements(domain, "devices/disk").stream()
                .filter(disk -> kinds.contains(Xml.attribute(disk, "device").orElse("disk")))
                .filter(disk -> target(disk).equals(name) || source(disk).equals(name))
                .findFirst()
                .orElseThrow(() -> new Failure("No disk found whose source path or target is " + name));
    }
}
