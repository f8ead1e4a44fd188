package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;
import static io.kahvem.libvirt.protocol.Domains.*;

import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// What hangs on a machine: devices, disks and their jobs, interfaces, consoles, and the agent inside.
public final class DomainDevices {
    private static final Table T = new Table(Program.REMOTE);

    public static final Procedure<DomainText, None> ATTACH = T.write(8, "virDomainAttachDevice", DomainText.class, None.class);
    public static final Procedure<DomainText, None> DETACH = T.write(13, "virDomainDetachDevice", DomainText.class, None.class);
    public static final Procedure<DomainTextFlags, None> ATTACH_FLAGS =
            T.write(160, "virDomainAttachDeviceFlags", DomainTextFlags.class, None.class);
    public static final Procedure<DomainTextFlags, None> DETACH_FLAGS =
            T.write(161, "virDomainDetachDeviceFlags", DomainTextFlags.class, None.class);
    public static final Procedure<DomainTextFlags, None> UPDATE_FLAGS =
            T.write(174, "virDomainUpdateDeviceFlags", DomainTextFlags.class, None.class);
    public static final Procedure<DomainTextFlags, None> DETACH_ALIAS =
            T.write(392, "virDomainDetachDeviceAlias", DomainTextFlags.class, None.class);

    public static final Procedure<OpenConsole, None> OPEN_CONSOLE =
            T.write(201, "virDomainOpenConsole", OpenConsole.class, None.class);
    public static final Procedure<OpenConsole, None> OPEN_CHANNEL =
            T.write(296, "virDomainOpenChannel", OpenConsole.class, None.class);
    public static final Procedure<DomainNumberFlags, MaybeText> SCREENSHOT =
            T.read(211, "virDomainScreenshot", DomainNumberFlags.class, MaybeText.class);
    public static final Procedure<DomainNumberFlags, None> OPEN_GRAPHICS_FD =
            T.write(343, "virDomainOpenGraphicsFD", DomainNumberFlags.class, None.class);

    // ---- disks
    public static final Procedure<DomainText, BlockStats> BLOCK_STATS =
            T.read(64, "virDomainBlockStats", DomainText.class, BlockStats.class);
    public static final Procedure<BlockStatsQuery, CountedParameters> BLOCK_STATS_FLAGS =
            T.read(243, "virDomainBlockStatsFlags", BlockStatsQuery.class, CountedParameters.class);
    public static final Procedure<DomainTextFlags, BlockInfo> GET_BLOCK_INFO =
            T.read(194, "virDomainGetBlockInfo", DomainTextFlags.class, BlockInfo.class);
    public static final Procedure<DomainNumberFlags, DiskErrors> GET_DISK_ERRORS =
            T.read(263, "virDomainGetDiskErrors", DomainNumberFlags.class, DiskErrors.class);
    public static final Procedure<SetBlockIoTune, None> SET_BLOCK_IO_TUNE =
            T.write(252, "virDomainSetBlockIoTune", SetBlockIoTune.class, None.class);
    public static final Procedure<BlockIoTuneQuery, CountedParameters> GET_BLOCK_IO_TUNE =
            T.read(253, "virDomainGetBlockIoTune", BlockIoTuneQuery.class, CountedParameters.class);
    public static final Procedure<Resize, None> BLOCK_RESIZE = T.write(251, "virDomainBlockResize", Resize.class, None.class);
    public static final Procedure<SetParameters, None> SET_BLKIO_PARAMETERS =
            T.write(205, "virDomainSetBlkioParameters", SetParameters.class, None.class);
    public static final Procedure<DomainNumberFlags, CountedParameters> GET_BLKIO_PARAMETERS =
            T.read(206, "virDomainGetBlkioParameters", DomainNumberFlags.class, CountedParameters.class);
    public static final Procedure<DomainTextFlags, BlockJobInfo> GET_BLOCK_JOB_INFO =
            T.read(238, "virDomainGetBlockJobInfo", DomainTextFlags.class, BlockJobInfo.class);

    public static final Procedure<BlockThreshold, None> SET_BLOCK_THRESHOLD =
            T.write(386, "virDomainSetBlockThreshold", BlockThreshold.class, None.class);

    // ---- interfaces
    public static final Procedure<SetInterface, None> SET_INTERFACE_PARAMETERS =
            T.write(256, "virDomainSetInterfaceParameters", SetInterface.class, None.class);
    public static final Procedure<InterfaceQuery, CountedParameters> GET_INTERFACE_PARAMETERS =
            T.read(257, "virDomainGetInterfaceParameters", InterfaceQuery.class, CountedParameters.class);
    public static final Procedure<DomainText, InterfaceStats> INTERFACE_STATS =
            T.read(65, "virDomainInterfaceStats", DomainText.class, InterfaceStats.class);

    public static final Procedure<AddressesQuery, InterfaceAddresses> INTERFACE_ADDRESSES =
            T.read(353, "virDomainInterfaceAddresses", AddressesQuery.class, InterfaceAddresses.class);

    // ---- the agent
    public static final Procedure<DomainFlags, Text> GET_HOSTNAME = T.read(277, "virDomainGetHostname", DomainFlags.class, Text.class);
    public static final Procedure<DomainFlags, Time> GET_TIME = T.write(337, "virDomainGetTime", DomainFlags.class, Time.class);
    public static final Procedure<DomainFlags, None> GET_FSINFO = T.write(349, "virDomainGetFSInfo", DomainFlags.class, None.class);

    // Of what these are asked for, only the machine is read: no guest here has an agent.
    public static final Procedure<DomainArg, None> SET_TIME = T.write(338, "virDomainSetTime", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> FSTRIM = T.write(294, "virDomainFSTrim", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> FSFREEZE = T.write(335, "virDomainFSFreeze", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> FSTHAW = T.write(336, "virDomainFSThaw", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> SET_USER_PASSWORD =
            T.write(357, "virDomainSetUserPassword", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> GET_GUEST_VCPUS = T.write(371, "virDomainGetGuestVcpus", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> SET_GUEST_VCPUS = T.write(372, "virDomainSetGuestVcpus", DomainArg.class, None.class);
    public static final Procedure<DomainArg, None> GET_GUEST_INFO = T.write(418, "virDomainGetGuestInfo", DomainArg.class, None.class);

    private DomainDevices() {}

    public record OpenConsole(DomainRef domain, Optional<String> device, int flags) {}

    public record BlockStats(long readRequests, long readBytes, long writeRequests, long writeBytes, long errors) {}

    public record BlockStatsQuery(DomainRef domain, String path, int room, int flags) {}

    /// In bytes.
    public record BlockInfo(long allocation, long capacity, long physical) {}

    public record DiskError(String disk, int error) {}

    public record DiskErrors(@Max(256) List<DiskError> errors, int count) {}

    public record SetBlockIoTune(DomainRef domain, String disk, @Max(32) List<TypedParameter> parameters, int flags) {}

    /// @param size KiB, or bytes with flag 1
    public record Resize(DomainRef domain, String disk, long size, int flags) {}

    public record BlockIoTuneQuery(DomainRef domain, Optional<String> disk, int room, int flags) {}

    public record BlockThreshold(DomainRef domain, String disk, long bytes, int flags) {}

    public record SetInterface(DomainRef domain, String device, @Max(64) List<TypedParameter> parameters, int flags) {}

    public record InterfaceQuery(DomainRef domain, String device, int room, int flags) {}

    public record BlockJobInfo(int found, int type, long bandwidth, long current, long end) {
        /// No job is under way on the disk.
        public static final BlockJobInfo NONE = new BlockJobInfo(0, 0, 0, 0, 0);
    }

    public record InterfaceStats(
            long rxBytes, long rxPackets, long rxErrors, long rxDrop, long txBytes, long txPackets, long txErrors, long txDrop) {}

    /// @param source 0 leases, 1 the agent, 2 ARP
    public record AddressesQuery(DomainRef domain, int source, int flags) {}

    public record InterfaceAddress(int type, String address, int prefix) {}

    public record InterfaceOf(String name, Optional<String> mac, @Max(2048) List<InterfaceAddress> addresses) {}

    public record InterfaceAddresses(@Max(2048) List<InterfaceOf> interfaces) {}

    public record Time(long seconds, int nanos) {}
}
