package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import io.kahvem.libvirt.xdr.Chars;
import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// Opening, authentication, and what a connection tells of its host.
public final class Connections {
    private static final Table T = new Table(Program.REMOTE);

    public static final Procedure<Open, None> OPEN = T.opening(1, "virConnectOpen", Open.class, None.class);
    public static final Procedure<None, None> CLOSE = T.opening(2, "virConnectClose", None.class, None.class);
    public static final Procedure<IntValue, IntValue> SUPPORTS_FEATURE =
            T.opening(60, "virConnectSupportsFeature", IntValue.class, IntValue.class);
    public static final Procedure<None, AuthTypes> AUTH_LIST = T.opening(66, "virConnectAuthList", None.class, AuthTypes.class);
    public static final Procedure<None, Text> AUTH_SASL_INIT = T.opening(67, "virConnectAuthSaslInit", None.class, Text.class);
    public static final Procedure<SaslStart, SaslAnswer> AUTH_SASL_START =
            T.opening(68, "virConnectAuthSaslStart", SaslStart.class, SaslAnswer.class);
    public static final Procedure<SaslStep, SaslAnswer> AUTH_SASL_STEP =
            T.opening(69, "virConnectAuthSaslStep", SaslStep.class, SaslAnswer.class);

    public static final Procedure<None, Text> GET_TYPE = T.read(3, "virConnectGetType", None.class, Text.class);
    public static final Procedure<None, Size> GET_VERSION = T.read(4, "virConnectGetVersion", None.class, Size.class);
    public static final Procedure<MaybeText, IntValue> GET_MAX_VCPUS = T.read(5, "virConnectGetMaxVcpus", MaybeText.class, IntValue.class);
    public static final Procedure<None, NodeInfo> NODE_GET_INFO = T.read(6, "virNodeGetInfo", None.class, NodeInfo.class);
    public static final Procedure<None, Text> GET_CAPABILITIES = T.read(7, "virConnectGetCapabilities", None.class, Text.class);
    public static final Procedure<None, Text> GET_HOSTNAME = T.read(59, "virConnectGetHostname", None.class, Text.class);
    public static final Procedure<CellRange, Sizes> NODE_GET_CELLS_FREE_MEMORY =
            T.read(101, "virNodeGetCellsFreeMemory", CellRange.class, Sizes.class);
    public static final Procedure<None, Size> NODE_GET_FREE_MEMORY = T.read(102, "virNodeGetFreeMemory", None.class, Size.class);
    public static final Procedure<None, Text> GET_URI = T.read(110, "virConnectGetURI", None.class, Text.class);
    public static final Procedure<None, SecurityModel> NODE_GET_SECURITY_MODEL =
            T.read(122, "virNodeGetSecurityModel", None.class, SecurityModel.class);
    public static final Procedure<Native, Text> DOMAIN_XML_FROM_NATIVE =
            T.write(135, "virConnectDomainXMLFromNative", Native.class, Text.class);
    public static final Procedure<Native, Text> DOMAIN_XML_TO_NATIVE =
            T.write(136, "virConnectDomainXMLToNative", Native.class, Text.class);
    public static final Procedure<None, IntValue> IS_SECURE = T.read(149, "virConnectIsSecure", None.class, IntValue.class);
    public static final Procedure<None, Size> GET_LIB_VERSION = T.read(157, "virConnectGetLibVersion", None.class, Size.class);
    public static final Procedure<TextFlags, IntValue> COMPARE_CPU = T.read(158, "virConnectCompareCPU", TextFlags.class, IntValue.class);
    public static final Procedure<CpuList, Text> BASELINE_CPU = T.read(162, "virConnectBaselineCPU", CpuList.class, Text.class);
    public static final Procedure<Flags, Text> GET_SYSINFO = T.read(203, "virConnectGetSysinfo", Flags.class, Text.class);
    public static final Procedure<CpuStatsQuery, NodeStats> NODE_GET_CPU_STATS =
            T.read(227, "virNodeGetCPUStats", CpuStatsQuery.class, NodeStats.class);
    public static final Procedure<MemoryStatsQuery, NodeStats> NODE_GET_MEMORY_STATS =
            T.read(228, "virNodeGetMemoryStats", MemoryStatsQuery.class, NodeStats.class);
    public static final Procedure<NodeParametersQuery, CountedParameters> NODE_GET_MEMORY_PARAMETERS =
            T.read(289, "virNodeGetMemoryParameters", NodeParametersQuery.class, CountedParameters.class);
    public static final Procedure<CpuMapQuery, CpuMap> NODE_GET_CPU_MAP =
            T.read(293, "virNodeGetCPUMap", CpuMapQuery.class, CpuMap.class);
    public static final Procedure<CpuModelsQuery, CpuModels> GET_CPU_MODEL_NAMES =
            T.read(312, "virConnectGetCPUModelNames", CpuModelsQuery.class, CpuModels.class);
    public static final Procedure<FreePagesQuery, Sizes> NODE_GET_FREE_PAGES =
            T.read(340, "virNodeGetFreePages", FreePagesQuery.class, Sizes.class);
    public static final Procedure<DomainCapabilitiesQuery, Text> GET_DOMAIN_CAPABILITIES =
            T.read(342, "virConnectGetDomainCapabilities", DomainCapabilitiesQuery.class, Text.class);
    public static final Procedure<AllocatePages, IntValue> NODE_ALLOC_PAGES =
            T.write(347, "virNodeAllocPages", AllocatePages.class, IntValue.class);
    public static final Procedure<None, None> REGISTER_CLOSE_CALLBACK =
            T.read(360, "virConnectRegisterCloseCallback", None.class, None.class);
    public static final Procedure<None, None> UNREGISTER_CLOSE_CALLBACK =
            T.read(361, "virConnectUnregisterCloseCallback", None.class, None.class);
    public static final Procedure<HypervisorCpu, IntValue> COMPARE_HYPERVISOR_CPU =
            T.read(393, "virConnectCompareHypervisorCPU", HypervisorCpu.class, IntValue.class);
    public static final Procedure<HypervisorCpuList, Text> BASELINE_HYPERVISOR_CPU =
            T.read(394, "virConnectBaselineHypervisorCPU", HypervisorCpuList.class, Text.class);
    public static final Procedure<Flags, Text> GET_STORAGE_POOL_CAPABILITIES =
            T.read(403, "virConnectGetStoragePoolCapabilities", Flags.class, Text.class);

    public static final Event<IntValue> CONNECTION_CLOSED = T.event(362, IntValue.class);

    private Connections() {}

    /// @param name the driver's URI, or none for the daemon's choice
    /// @param flags 1: read-only
    public record Open(Optional<String> name, int flags) {}

    /// @param types 0 none, 1 SASL, 2 polkit
    public record AuthTypes(@Max(20) List<Integer> types) {}

    /// @param noData whether data is absent, not merely empty: 0 or 1
    public record SaslStart(String mechanism, int noData, @Chars(0) @Max(65536) byte[] data) {}

    public record SaslStep(int noData, @Chars(0) @Max(65536) byte[] data) {}

    public record SaslAnswer(int complete, int noData, @Chars(0) @Max(65536) byte[] data) {}

    /// @param memory KiB
    public record NodeInfo(
            @Chars(32) byte[] model, long memory, int cpus, int mhz, int nodes, int sockets, int cores, int threads) {}

    public record CellRange(int start, int maximum) {}

    public record Sizes(List<Long> sizes) {}

    public record SecurityModel(@Chars(0) @Max(257) byte[] model, @Chars(0) @Max(257) byte[] doi) {}

    public record Native(String format, String config, int flags) {}

    public record CpuList(@Max(256) List<String> cpus, int flags) {}

    public record CpuStatsQuery(int cpu, int room, int flags) {}

    public record MemoryStatsQuery(int room, int cell, int flags) {}

    public record NodeStat(String field, long value) {}

    public record NodeStats(@Max(16) List<NodeStat> stats, int count) {}

    public record NodeParametersQuery(int room, int flags) {}

    public record CpuMapQuery(int needMap, int needOnline, int flags) {}

    public record CpuMap(@Max(2048) byte[] map, int online, int count) {}

    public record CpuModelsQuery(String arch, int needResults, int flags) {}

    public record CpuModels(@Max(8192) List<String> models, int count) {}

    public record FreePagesQuery(@Max(1024) List<Integer> pageSizesKiB, int startCell, int cells, int flags) {}

    public record DomainCapabilitiesQuery(
            Optional<String> emulator, Optional<String> arch, Optional<String> machine, Optional<String> virtType, int flags) {}

    public record AllocatePages(
            @Max(1024) List<Integer> pageSizesKiB, @Max(1024) List<Long> counts, int startCell, int cells, int flags) {}

    public record HypervisorCpu(
            Optional<String> emulator, Optional<String> arch, Optional<String> machine, Optional<String> virtType, String cpu, int flags) {}

    public record HypervisorCpuList(
            Optional<String> emulator, Optional<String> arch, Optional<String> machine, Optional<String> virtType,
            @Max(256) List<String> cpus, int flags) {}
}
