package io.kahvem.daemon.machine;

import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.xml.Element;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// The command line of a machine: what its description says, in the words of `kahvem run`.
final class MachineCommand {
    private MachineCommand() {}

    static List<String> arguments(DomainDefinition definition, Path socket) {
        List<String> arguments = new ArrayList<>(List.of("run"));
        arguments.add(definition.kernel().map(kernel -> "--kernel=" + kernel).orElseGet(() -> "--firmware=" + definition.firmware()));
        definition.variables().ifPresent(file -> arguments.add("--firmware-vars=" + file));
        definition.initrd().ifPresent(initrd -> arguments.add("--initrd=" + initrd));
        definition.commandLine().ifPresent(line -> arguments.add("--append=" + line));
        arguments.add("--memory=%dK".formatted(definition.memoryKib()));
        arguments.add("--cpus=" + definition.currentVcpus());
        arguments.add("--accel=" + (definition.type().equals("kvm") ? "kvm" : "jvm"));
        arguments.add("--name=" + definition.name());
        arguments.add("--uuid=" + definition.uuid());
        arguments.add(control(socket));
        arguments.add("--paused");
        arguments.add("--serial=" + serial(definition));
        List<Element> booted = bootOrder(definition);
        for (Element disk : definition.devices("disk")) disk(disk, booted.indexOf(disk) + 1, arguments);
        boolean balloon = definition.devices("memballoon").stream().anyMatch(each -> !each.hasAttribute("model", "none"));
        if (balloon) arguments.add("--balloon");
        String reboot = definition.action("on_reboot");
        if (reboot.equals("destroy") || reboot.equals("preserve")) arguments.add("--action=reboot=shutdown");
        return arguments;
    }

    /// The argument that no other process has.
    static String control(Path socket) {
        return "--qmp=unix:" + socket;
    }

    /// The aliases of the disks in the order in which the machine counts them: disks, then drives.
    static List<String> aliases(DomainDefinition definition) {
        List<String> aliases = new ArrayList<>();
        for (boolean cdrom : new boolean[] {false, true}) {
            for (Element disk : definition.devices("disk")) {
                if (disk.hasAttribute("device", "cdrom") == cdrom) aliases.add(disk.attributeAt("alias", "name").orElse(""));
            }
        }
        return aliases;
    }

    private static String serial(DomainDefinition definition) {
        List<Element> lines = definition.devices("serial");
        if (lines.isEmpty()) return "none";
        Element line = lines.getFirst();
        return switch (line.attribute("type", "")) {
            case "file" -> "file:" + line.attributeAt("source", "path").orElse("");
            case "pty" -> "pty";
            default -> "none";
        };
    }

    /// The disks that firmware boots from, first to last: in the order that they say themselves, or the first of each kind in that of the
    /// kinds.
    private static List<Element> bootOrder(DomainDefinition definition) {
        List<Element> disks = definition.devices("disk");
        List<Element> ordered = new ArrayList<>(disks.stream().filter(disk -> disk.child("boot") != null).toList());
        ordered.sort(Comparator.comparing(disk -> Integer.valueOf(disk.attributeAt("boot", "order").orElse("0"))));
        for (String kind : definition.bootDevices()) {
            String device = kind.equals("cdrom") ? "cdrom" : "disk";
            if (kind.equals("hd") || kind.equals("cdrom")) {
                disks.stream().filter(disk -> disk.hasAttribute("device", device)).findFirst().ifPresent(ordered::add);
            }
        }
        return ordered;
    }

    /// @param bootIndex 0 for one that firmware is not told to boot from
    private static void disk(Element disk, int bootIndex, List<String> arguments) {
        Optional<String> file = disk.attributeAt("source", "file").or(() -> disk.attributeAt("source", "dev"));
        boolean cdrom = disk.hasAttribute("device", "cdrom");
        StringBuilder option = new StringBuilder(file.orElse("").replace(",", ",,"));
        if (file.isPresent()) option.append(",format=").append(disk.attributeAt("driver", "type").orElse("raw"));
        option.append(",bus=").append(disk.attributeAt("target", "bus").orElse("virtio"));
        if (!cdrom && disk.child("readonly") != null) option.append(",readonly");
        if (!cdrom && disk.child("transient") != null) option.append(",snapshot");
        if (bootIndex > 0) option.append(",bootindex=").append(bootIndex);
        disk.attributeAt("driver", "cache")
                .filter(cache -> !cache.equals("default")).ifPresent(cache -> option.append(",cache=").append(cache));
        disk.textAt("serial").ifPresent(serial -> option.append(",serial=").append(serial));
        arguments.add((cdrom ? "--cdrom=" : "--disk=") + option);
    }
}
