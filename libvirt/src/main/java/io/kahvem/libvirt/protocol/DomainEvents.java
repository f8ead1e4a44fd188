package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// What happens to machines, and how a client asks to be told. Every message begins with the callback's number, which the daemon chose.
public final class DomainEvents {
    private static final Table T = new Table(Program.REMOTE);

    public static final Procedure<Register, IntValue> REGISTER =
            T.read(316, "virConnectDomainEventRegisterAny", Register.class, IntValue.class);
    public static final Procedure<IntValue, None> DEREGISTER =
            T.read(317, "virConnectDomainEventDeregisterAny", IntValue.class, None.class);

    public static final Event<Lifecycle> LIFECYCLE = T.event(318, Lifecycle.class);
    public static final Event<Plain> REBOOT = T.event(319, Plain.class);
    public static final Event<RtcChange> RTC_CHANGE = T.event(320, RtcChange.class);
    public static final Event<Action> WATCHDOG = T.event(321, Action.class);
    public static final Event<IoErrorReason> IO_ERROR_REASON = T.event(324, IoErrorReason.class);
    public static final Event<BlockJob> BLOCK_JOB = T.event(326, BlockJob.class);
    public static final Event<DiskChange> DISK_CHANGE = T.event(327, DiskChange.class);
    public static final Event<TrayChange> TRAY_CHANGE = T.event(328, TrayChange.class);
    public static final Event<BalloonChange> BALLOON_CHANGE = T.event(331, BalloonChange.class);
    public static final Event<DeviceAlias> DEVICE_REMOVED = T.event(333, DeviceAlias.class);
    public static final Event<BlockJob> BLOCK_JOB_2 = T.event(339, BlockJob.class);
    public static final Event<Tunable> TUNABLE = T.event(346, Tunable.class);
    public static final Event<AgentLifecycle> AGENT_LIFECYCLE = T.event(348, AgentLifecycle.class);
    public static final Event<DeviceAlias> DEVICE_ADDED = T.event(354, DeviceAlias.class);
    public static final Event<Tunable> JOB_COMPLETED = T.event(363, Tunable.class);
    public static final Event<MetadataChange> METADATA_CHANGE = T.event(379, MetadataChange.class);

    private DomainEvents() {}

    /// The numbers of virDomainEventID, by which clients register.
    public enum Id {
        LIFECYCLE, REBOOT, RTC_CHANGE, WATCHDOG, IO_ERROR, GRAPHICS, IO_ERROR_REASON, CONTROL_ERROR, BLOCK_JOB, DISK_CHANGE, TRAY_CHANGE,
        PMWAKEUP, PMSUSPEND, BALLOON_CHANGE, PMSUSPEND_DISK, DEVICE_REMOVED, BLOCK_JOB_2, TUNABLE, AGENT_LIFECYCLE, DEVICE_ADDED,
        MIGRATION_ITERATION, JOB_COMPLETED, DEVICE_REMOVAL_FAILED, METADATA_CHANGE, BLOCK_THRESHOLD, MEMORY_FAILURE,
        MEMORY_DEVICE_SIZE_CHANGE
    }

    /// @param domain the one to be told of, or none for all
    public record Register(int eventId, Optional<DomainRef> domain) {}

    public record Lifecycle(int callback, DomainRef domain, int event, int detail) {}

    public record Plain(int callback, DomainRef domain) {}

    public record RtcChange(int callback, DomainRef domain, long offsetSeconds) {}

    public record Action(int callback, DomainRef domain, int action) {}

    public record IoErrorReason(int callback, DomainRef domain, String source, String alias, int action, String reason) {}

    public record BlockJob(int callback, DomainRef domain, String disk, int type, int status) {}

    public record DiskChange(
            int callback, DomainRef domain, Optional<String> oldSource, Optional<String> newSource, String alias, int reason) {}

    public record TrayChange(int callback, DomainRef domain, String alias, int reason) {}

    /// @param kib what the balloon leaves the guest
    public record BalloonChange(int callback, DomainRef domain, long kib) {}

    public record DeviceAlias(int callback, DomainRef domain, String alias) {}

    public record Tunable(int callback, DomainRef domain, @Max(2048) List<TypedParameter> parameters) {}

    public record AgentLifecycle(int callback, DomainRef domain, int state, int reason) {}

    public record MetadataChange(int callback, DomainRef domain, int type, Optional<String> uri) {}
}
