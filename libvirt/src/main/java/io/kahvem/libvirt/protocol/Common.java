package io.kahvem.libvirt.protocol;

import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// Handles of objects, and the shapes that many procedures share.
public final class Common {
    private Common() {}

    // ---- handles: how calls name objects

    /// @param id -1 where it does not run; daemons look domains up by their UUID alone
    public record DomainRef(String name, UUID uuid, int id) {}

    public record NetworkRef(String name, UUID uuid) {}

    public record PoolRef(String name, UUID uuid) {}

    public record VolumeRef(String pool, String name, String key) {}

    public record SecretRef(UUID uuid, int usageType, String usageId) {}

    public record NodeDeviceRef(String name) {}

    public record InterfaceRef(String name, String mac) {}

    public record NwfilterRef(String name, UUID uuid) {}

    public record SnapshotRef(String name, DomainRef domain) {}

    public record CheckpointRef(String name, DomainRef domain) {}

    // ---- shapes

    public record None() {}

    public record Text(String text) {}

    public record MaybeText(Optional<String> text) {}

    public record Texts(List<String> texts) {}

    /// An int: a count, a truth, a state.
    public record IntValue(int value) {}

    /// A hyper: octets, KiB, versions.
    public record Size(long value) {}

    public record Octets(@Max(65536) byte[] octets) {}

    public record Flags(int flags) {}

    public record TextFlags(String text, int flags) {}

    public record ByUuid(UUID uuid) {}

    public record MaxNames(int maximum) {}

    /// @param needResults 0 where only the count is asked for
    public record ListAll(int needResults, int flags) {}

    /// @param count how many there are, in an answer with none too
    public record CountedTexts(List<String> texts, int count) {}

    public record Parameters(@Max(262144) List<TypedParameter> parameters) {}

    /// @param count how many there are, where the caller had no room for any
    public record CountedParameters(@Max(2048) List<TypedParameter> parameters, int count) {}
}
