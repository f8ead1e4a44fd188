package io.kahvem.cli.virsh;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// All verbs.
final class Verbs {
    /// Each table is made when a search comes to it, so that the frequent ones stand first.
    private static final List<Supplier<List<Verb>>> TABLES = List.of(
            () -> MonitorVerbs.TABLE, () -> DomainVerbs.TABLE, () -> DeviceVerbs.TABLE, () -> TuningVerbs.TABLE, () -> MetadataVerbs.TABLE,
            () -> MonitorSocketVerbs.TABLE, () -> ConsoleVerb.TABLE, () -> EventVerbs.TABLE, () -> HostVerbs.TABLE, () -> NodeVerbs.TABLE,
            () -> SecretVerbs.TABLE, () -> PoolVerbs.TABLE, () -> VolumeVerbs.TABLE, () -> ShellVerbs.TABLE);

    private Verbs() {}

    static Stream<Verb> all() {
        return TABLES.stream().flatMap(table -> table.get().stream());
    }

    static Optional<Verb> find(String name) {
        return all().filter(verb -> verb.name().equals(name)).findFirst();
    }

    static List<Verb> of(Group group) {
        return all().filter(verb -> verb.group() == group).sorted((a, b) -> a.name().compareTo(b.name())).toList();
    }
}
