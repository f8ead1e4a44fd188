package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import io.kahvem.libvirt.xdr.Chars;
import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// Machines: what they are, their life, their state and statistics. Devices, block jobs and guests' agents: [DomainDevices].
public final class Domains {
    private static final Table T = new Table(Program.REMOTE);

    // ---- finding them
    public static final Procedure<ListAll, DomainList> LIST_ALL = T.read(273, "virConnectListAllDomains", ListAll.class, DomainList.class);
    public static final Procedure<MaxNames, Texts> LIST_DEFINED = T.read(21, "virConnectListDefinedDomains", MaxNames.class, Texts.class);
    public static final Procedure<IntValue, DomainRef> LOOKUP_BY_ID = T.read(22, "virDomainLookupByID", IntValue.class, DomainRef.class);
    public static final Procedure<Text, DomainRef> LOOKUP_BY_NAME = T.read(23, "virDomainLookupByName", Text.class, DomainRef.class);
    public static final Procedure<ByUuid, DomainRef> LOOKUP_BY_UUID = T.read(24, "virDomainLookupByUUID", ByUuid.class, DomainRef.class);
    public static final Procedure<None, IntValue> NUM_OF_DEFINED = T.read(25, "virConnectNumOfDefinedDomains", None.class, IntValue.class);
    public static final Procedure<MaxNames, DomainIds> LIST_ACTIVE = T.read(37, "virConnectListDomains", MaxNames.class, DomainIds.class);
    public static final Procedure<None, IntValue> NUM_OF_ACTIVE = T.read(51, "virConnectNumOfDomains", None.class, IntValue.class);

    // ---- definition
    public static final Procedure<Text, DomainRef> DEFINE_XML = T.write(11, "virDomainDefineXML", Text.class, DomainRef.class);
    public static final Procedure<TextFlags, DomainRef> DEFINE_XML_FLAGS =
            T.write(350, "virDomainDefineXMLFlags", TextFlags.class, DomainRef.class);
    public static final Procedure<DomainArg, None> UNDEFINE = T.write(35, "virDomainUndefine", DomainArg.class, None.class);
    public static final Procedure<DomainFlags, None> UNDEFINE_FLAGS = T.write(231, "virDomainUndefineFlags", DomainFlags.class, None.class);
    public static final Procedure<DomainFlags, Text> GET_XML_DESC = T.read(14, "virDomainGetXMLDesc", DomainFlags.class, Text.class);
    public static final Procedure<DomainArg, IntValue> GET_AUTOSTART = T.read(15, "virDomainGetAutostart", DomainArg.class, IntValue.class);
    public static final Procedure<DomainNumber, None> SET_AUTOSTART = T.write(29, "virDomainSetAutostart", DomainNumber.class, None.class);
    public static final Procedure<DomainArg, IntValue> IS_PERSISTENT =
            T.read(151, "virDomainIsPersistent", DomainArg.class, IntValue.class);
    public static final Procedure<DomainArg, IntValue> IS_UPDATED = T.read(202, "virDomainIsUpdated", DomainArg.class, IntValue.class);
    public static final Procedure<SetMetadata, None> SET_METADATA = T.write(264, "virDomainSetMetadata", SetMetadata.class, None.class);
    public static final Procedure<GetMetadata, Text> GET_METADATA = T.read(265, "virDomainGetMetadata", GetMetadata.class, Text.class);
    public static final Procedure<Rename, IntValue> RENAME = T.write(358, "virDomainRename", Rename.class, IntValue.class);
    public static final Procedure<LifecycleAction, None> SET_LIFECYCLE_ACTION =
            T.write(390, "virDomainSetLifecycleAction", LifecycleAction.class, None.class);

    // ---- life
    public static final Procedure<DomainArg, None> CREATE = T.write(9, "virDomainCreate", DomainArg.class, None.class);
    public static final Procedure<TextFlags, DomainRef> CREATE_XML = T.write(10, "virDomainCreateXML", TextFlags.class, DomainRef.class);
    public static final Procedure<DomainFlags, DomainRef> CREATE_WITH_FLAGS =
            T.write(196, "virDomainCreateWithFlags", DomainFlags.class, DomainRef.class);
    public static final Procedure<TextFlags, DomainRef> CREATE_XML_WITH_FILES =
            T.write(309, "virDomainCreateXMLWithFiles", TextFlags.class, DomainRef.class);
    public static final Procedure<DomainFlags, DomainRef> CREATE_WITH_FILES =
            T.write(310, "virDomainCreateWithFiles", DomainFlags.class, DomainRef.class);
    public static final Procedure<DomainArg, None> DESTROY = T.write(12, "virDomainDestroy", DomainArg.class, None.class);
    public static final Procedure<DomainFlags, None> DESTROY_FLAGS = T.write(234, "virDomainDestroyFlags", DomainFlags.class, None.class);
    public static final Procedure<DomainFlags, None> REBOOT = T.write(27, "virDomainReboot", DomainFlags.class, None.class);
    public static final Procedure<DomainFlags, None> RESET = T.write(245, "virDomainReset", DomainFlags.class, None.class);
    public static final Procedure<DomainArg, None> RESUME = T.write(28, "virDomainResume", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> SHUTDOWN = T.write(33, "virDomainShutdown", DomainArg.class, None.class);
    public static final Procedure<DomainFlags, None> SHUTDOWN_FLAGS = T.write(258, "virDomainShutdownFlags", DomainFlags.class, None.class);
    public static final Procedure<DomainArg, None> SUSPEND = T.write(34, "virDomainSuspend", DomainArg.class, None.class);
    public static final Procedure<PmSuspend, None> PM_SUSPEND_FOR_DURATION =
            T.write(261, "virDomainPMSuspendForDuration", PmSuspend.class, None.class);
    public static final Procedure<DomainFlags, None> PM_WAKEUP = T.write(267, "virDomainPMWakeup", DomainFlags.class, None.class);
    public static final Procedure<DomainFlags, None> INJECT_NMI = T.write(210, "virDomainInjectNMI", DomainFlags.class, None.class);
    public static final Procedure<SendKey, None> SEND_KEY = T.write(226, "virDomainSendKey", SendKey.class, None.class);

    // ---- saved images and dumps
    public static final Procedure<DomainTextFlags, None> CORE_DUMP = T.write(53, "virDomainCoreDump", DomainTextFlags.class, None.class);
    public static final Procedure<Text, None> RESTORE = T.write(54, "virDomainRestore", Text.class, None.class);
    public static final Procedure<DomainText, None> SAVE = T.write(55, "virDomainSave", DomainText.class, None.class);
    public static final Procedure<DomainFlags, None> MANAGED_SAVE = T.write(182, "virDomainManagedSave", DomainFlags.class, None.class);
    public static final Procedure<DomainFlags, IntValue> HAS_MANAGED_SAVE_IMAGE =
            T.read(183, "virDomainHasManagedSaveImage", DomainFlags.class, IntValue.class);
    public static final Procedure<DomainFlags, None> MANAGED_SAVE_REMOVE =
            T.write(184, "virDomainManagedSaveRemove", DomainFlags.class, None.class);

    public static final Procedure<DomainFlags, Text> MANAGED_SAVE_GET_XML_DESC =
            T.read(388, "virDomainManagedSaveGetXMLDesc", DomainFlags.class, Text.class);
    public static final Procedure<ManagedSaveXml, None> MANAGED_SAVE_DEFINE_XML =
            T.write(389, "virDomainManagedSaveDefineXML", ManagedSaveXml.class, None.class);

    // ---- migration
    public static final Procedure<DomainSizeFlags, None> MIGRATE_SET_MAX_DOWNTIME =
            T.write(166, "virDomainMigrateSetMaxDowntime", DomainSizeFlags.class, None.class);
    public static final Procedure<DomainFlags, Size> MIGRATE_GET_MAX_DOWNTIME =
            T.read(387, "virDomainMigrateGetMaxDowntime", DomainFlags.class, Size.class);
    public static final Procedure<DomainSizeFlags, None> MIGRATE_SET_MAX_SPEED =
            T.write(207, "virDomainMigrateSetMaxSpeed", DomainSizeFlags.class, None.class);
    public static final Procedure<DomainFlags, Size> MIGRATE_GET_MAX_SPEED =
            T.read(242, "virDomainMigrateGetMaxSpeed", DomainFlags.class, Size.class);
    public static final Procedure<DomainNumberFlags, None> START_DIRTY_RATE_CALC =
            T.write(427, "virDomainStartDirtyRateCalc", DomainNumberFlags.class, None.class);

    // ---- state
    public static final Procedure<DomainArg, DomainInfo> GET_INFO = T.read(16, "virDomainGetInfo", DomainArg.class, DomainInfo.class);
    public static final Procedure<DomainFlags, State> GET_STATE = T.read(212, "virDomainGetState", DomainFlags.class, State.class);
    public static final Procedure<DomainArg, Text> GET_OS_TYPE = T.read(19, "virDomainGetOSType", DomainArg.class, Text.class);
    public static final Procedure<DomainArg, IntValue> IS_ACTIVE = T.read(150, "virDomainIsActive", DomainArg.class, IntValue.class);
    public static final Procedure<DomainFlags, ControlInfo> GET_CONTROL_INFO =
            T.read(229, "virDomainGetControlInfo", DomainFlags.class, ControlInfo.class);
    public static final Procedure<DomainArg, SecurityLabel> GET_SECURITY_LABEL =
            T.read(121, "virDomainGetSecurityLabel", DomainArg.class, SecurityLabel.class);
    public static final Procedure<DomainFlags, Texts> GET_MESSAGES = T.read(426, "virDomainGetMessages", DomainFlags.class, Texts.class);
    public static final Procedure<DomainFlags, Parameters> GET_LAUNCH_SECURITY_INFO =
            T.read(396, "virDomainGetLaunchSecurityInfo", DomainFlags.class, Parameters.class);

    // ---- jobs
    public static final Procedure<DomainArg, JobInfo> GET_JOB_INFO = T.read(163, "virDomainGetJobInfo", DomainArg.class, JobInfo.class);
    public static final Procedure<DomainFlags, JobStats> GET_JOB_STATS =
            T.read(298, "virDomainGetJobStats", DomainFlags.class, JobStats.class);
    public static final Procedure<DomainArg, None> ABORT_JOB = T.write(164, "virDomainAbortJob", DomainArg.class, None.class);

    // ---- memory
    public static final Procedure<DomainArg, Size> GET_MAX_MEMORY = T.read(17, "virDomainGetMaxMemory", DomainArg.class, Size.class);
    public static final Procedure<DomainSize, None> SET_MAX_MEMORY = T.write(30, "virDomainSetMaxMemory", DomainSize.class, None.class);
    public static final Procedure<DomainSize, None> SET_MEMORY = T.write(31, "virDomainSetMemory", DomainSize.class, None.class);
    public static final Procedure<SetMemory, None> SET_MEMORY_FLAGS = T.write(204, "virDomainSetMemoryFlags", SetMemory.class, None.class);
    public static final Procedure<MemoryStatsQuery, MemoryStats> MEMORY_STATS =
            T.read(159, "virDomainMemoryStats", MemoryStatsQuery.class, MemoryStats.class);
    public static final Procedure<DomainNumberFlags, None> SET_MEMORY_STATS_PERIOD =
            T.write(308, "virDomainSetMemoryStatsPeriod", DomainNumberFlags.class, None.class);
    public static final Procedure<SetParameters, None> SET_MEMORY_PARAMETERS =
            T.write(197, "virDomainSetMemoryParameters", SetParameters.class, None.class);
    public static final Procedure<DomainNumberFlags, CountedParameters> GET_MEMORY_PARAMETERS =
            T.read(198, "virDomainGetMemoryParameters", DomainNumberFlags.class, CountedParameters.class);

    // ---- processors
    public static final Procedure<DomainArg, IntValue> GET_MAX_VCPUS = T.read(18, "virDomainGetMaxVcpus", DomainArg.class, IntValue.class);
    public static final Procedure<VcpusQuery, Vcpus> GET_VCPUS = T.read(20, "virDomainGetVcpus", VcpusQuery.class, Vcpus.class);
    public static final Procedure<DomainNumber, None> SET_VCPUS = T.write(32, "virDomainSetVcpus", DomainNumber.class, None.class);
    public static final Procedure<DomainNumberFlags, None> SET_VCPUS_FLAGS =
            T.write(199, "virDomainSetVcpusFlags", DomainNumberFlags.class, None.class);
    public static final Procedure<DomainFlags, IntValue> GET_VCPUS_FLAGS =
            T.read(200, "virDomainGetVcpusFlags", DomainFlags.class, IntValue.class);
    public static final Procedure<PinVcpu, None> PIN_VCPU = T.write(26, "virDomainPinVcpu", PinVcpu.class, None.class);
    public static final Procedure<PinVcpuFlags, None> PIN_VCPU_FLAGS =
            T.write(225, "virDomainPinVcpuFlags", PinVcpuFlags.class, None.class);
    public static final Procedure<VcpuPinQuery, CpuMaps> GET_VCPU_PIN_INFO =
            T.read(230, "virDomainGetVcpuPinInfo", VcpuPinQuery.class, CpuMaps.class);
    public static final Procedure<DomainNumberFlags, CpuMaps> GET_EMULATOR_PIN_INFO =
            T.read(280, "virDomainGetEmulatorPinInfo", DomainNumberFlags.class, CpuMaps.class);
    public static final Procedure<DomainArg, SchedulerType> GET_SCHEDULER_TYPE =
            T.read(56, "virDomainGetSchedulerType", DomainArg.class, SchedulerType.class);
    public static final Procedure<DomainNumber, Parameters> GET_SCHEDULER_PARAMETERS =
            T.read(57, "virDomainGetSchedulerParameters", DomainNumber.class, Parameters.class);
    public static final Procedure<SchedulerParameters, None> SET_SCHEDULER_PARAMETERS =
            T.write(58, "virDomainSetSchedulerParameters", SchedulerParameters.class, None.class);
    public static final Procedure<SetParameters, None> SET_SCHEDULER_PARAMETERS_FLAGS =
            T.write(219, "virDomainSetSchedulerParametersFlags", SetParameters.class, None.class);
    public static final Procedure<DomainNumberFlags, Parameters> GET_SCHEDULER_PARAMETERS_FLAGS =
            T.read(223, "virDomainGetSchedulerParametersFlags", DomainNumberFlags.class, Parameters.class);
    public static final Procedure<CpuStatsQuery, CountedParameters> GET_CPU_STATS =
            T.read(262, "virDomainGetCPUStats", CpuStatsQuery.class, CountedParameters.class);
    public static final Procedure<SetParameters, None> SET_NUMA_PARAMETERS =
            T.write(254, "virDomainSetNumaParameters", SetParameters.class, None.class);
    public static final Procedure<PinEmulator, None> PIN_EMULATOR =
            T.write(279, "virDomainPinEmulator", PinEmulator.class, None.class);
    public static final Procedure<DomainArg, None> ADD_IOTHREAD = T.write(355, "virDomainAddIOThread", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> DEL_IOTHREAD = T.write(356, "virDomainDelIOThread", DomainArg.class, None.class);
    public static final Procedure<SetIoThread, None> SET_IOTHREAD_PARAMS =
            T.write(402, "virDomainSetIOThreadParams", SetIoThread.class, None.class);
    public static final Procedure<SetVcpu, None> SET_VCPU = T.write(384, "virDomainSetVcpu", SetVcpu.class, None.class);
    public static final Procedure<DomainNumberFlags, CountedParameters> GET_NUMA_PARAMETERS =
            T.read(255, "virDomainGetNumaParameters", DomainNumberFlags.class, CountedParameters.class);
    public static final Procedure<DomainFlags, Parameters> GET_PERF_EVENTS =
            T.read(365, "virDomainGetPerfEvents", DomainFlags.class, Parameters.class);
    public static final Procedure<DomainFlags, IoThreads> GET_IOTHREAD_INFO =
            T.read(351, "virDomainGetIOThreadInfo", DomainFlags.class, IoThreads.class);

    // ---- statistics of all
    public static final Procedure<StatsQuery, AllStats> GET_ALL_STATS =
            T.read(344, "virConnectGetAllDomainStats", StatsQuery.class, AllStats.class);

    private Domains() {}

    public record DomainArg(DomainRef domain) {}

    public record DomainFlags(DomainRef domain, int flags) {}

    public record DomainNumber(DomainRef domain, int number) {}

    public record DomainNumberFlags(DomainRef domain, int number, int flags) {}

    public record DomainSize(DomainRef domain, long kib) {}

    public record DomainSizeFlags(DomainRef domain, long size, int flags) {}

    public record DomainText(DomainRef domain, String text) {}

    public record DomainTextFlags(DomainRef domain, String text, int flags) {}

    public record DomainList(List<DomainRef> domains, int count) {}

    public record DomainIds(List<Integer> ids) {}

    /// @param type 0 description, 1 title, 2 element
    public record SetMetadata(
            DomainRef domain, int type, Optional<String> metadata, Optional<String> key, Optional<String> uri, int flags) {}

    public record GetMetadata(DomainRef domain, int type, Optional<String> uri, int flags) {}

    public record Rename(DomainRef domain, Optional<String> name, int flags) {}

    public record LifecycleAction(DomainRef domain, int type, int action, int flags) {}

    public record PmSuspend(DomainRef domain, int target, long durationSeconds, int flags) {}

    public record SendKey(DomainRef domain, int codeSet, int holdMillis, @Max(16) List<Integer> codes, int flags) {}

    /// @param maxMemory KiB
    /// @param memory KiB
    /// @param cpuTime nanoseconds
    public record DomainInfo(int state, long maxMemory, long memory, int vcpus, long cpuTime) {}

    public record State(int state, int reason) {}

    public record ControlInfo(int state, int details, long stateMillis) {}

    public record SecurityLabel(@Chars(0) @Max(4097) byte[] label, int enforcing) {}

    /// Times in milliseconds, the rest in bytes.
    public record JobInfo(
            int type, long timeElapsed, long timeRemaining, long dataTotal, long dataProcessed, long dataRemaining,
            long memoryTotal, long memoryProcessed, long memoryRemaining, long fileTotal, long fileProcessed, long fileRemaining) {
        /// No job is under way.
        public static final JobInfo NONE = new JobInfo(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    public record JobStats(int type, @Max(64) List<TypedParameter> parameters) {}

    public record SetMemory(DomainRef domain, long kib, int flags) {}

    public record MemoryStatsQuery(DomainRef domain, int maximum, int flags) {}

    public record MemoryStat(int tag, long value) {}

    public record MemoryStats(@Max(1024) List<MemoryStat> stats) {}

    public record VcpusQuery(DomainRef domain, int maximum, int mapLength) {}

    public record VcpuInfo(int number, int state, long cpuTime, int cpu) {}

    public record Vcpus(List<VcpuInfo> vcpus, @Max(8388608) byte[] maps) {}

    public record PinVcpu(DomainRef domain, int vcpu, @Max(2048) byte[] map) {}

    public record PinVcpuFlags(DomainRef domain, int vcpu, @Max(2048) byte[] map, int flags) {}

    public record PinEmulator(DomainRef domain, @Max(2048) byte[] map, int flags) {}

    public record SetParameters(DomainRef domain, @Max(64) List<TypedParameter> parameters, int flags) {}

    public record SchedulerParameters(DomainRef domain, @Max(16) List<TypedParameter> parameters) {}

    public record SetIoThread(DomainRef domain, int thread, @Max(64) List<TypedParameter> parameters, int flags) {}

    /// @param vcpus a set of numbers, 0-3,5
    /// @param state 0 where they are to be taken from the guest
    public record SetVcpu(DomainRef domain, String vcpus, int state, int flags) {}

    public record ManagedSaveXml(DomainRef domain, Optional<String> xml, int flags) {}

    public record VcpuPinQuery(DomainRef domain, int maximum, int mapLength, int flags) {}

    public record CpuMaps(@Max(8388608) byte[] maps, int count) {}

    public record SchedulerType(String type, int parameters) {}

    public record CpuStatsQuery(DomainRef domain, int room, int startCpu, int cpus, int flags) {}

    public record IoThread(int id, @Max(2048) byte[] map) {}

    public record IoThreads(List<IoThread> threads, int count) {}

    public record StatsQuery(List<DomainRef> domains, int stats, int flags) {}

    public record DomainStats(DomainRef domain, @Max(262144) List<TypedParameter> parameters) {}

    public record AllStats(List<DomainStats> domains) {}
}
