package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import java.util.List;
import java.util.Optional;

/// Storage pools and their volumes.
public final class Storage {
    private static final Table T = new Table(Program.REMOTE);

    // ---- pools
    public static final Procedure<None, IntValue> NUM_OF_POOLS = T.read(71, "virConnectNumOfStoragePools", None.class, IntValue.class);
    public static final Procedure<MaxNames, Texts> LIST_POOLS = T.read(72, "virConnectListStoragePools", MaxNames.class, Texts.class);
    public static final Procedure<None, IntValue> NUM_OF_DEFINED_POOLS =
            T.read(73, "virConnectNumOfDefinedStoragePools", None.class, IntValue.class);
    public static final Procedure<MaxNames, Texts> LIST_DEFINED_POOLS =
            T.read(74, "virConnectListDefinedStoragePools", MaxNames.class, Texts.class);
    public static final Procedure<FindSources, Text> FIND_SOURCES =
            T.write(75, "virConnectFindStoragePoolSources", FindSources.class, Text.class);
    public static final Procedure<TextFlags, PoolRef> POOL_CREATE_XML =
            T.write(76, "virStoragePoolCreateXML", TextFlags.class, PoolRef.class);
    public static final Procedure<TextFlags, PoolRef> POOL_DEFINE_XML =
            T.write(77, "virStoragePoolDefineXML", TextFlags.class, PoolRef.class);
    public static final Procedure<PoolFlags, None> POOL_CREATE = T.write(78, "virStoragePoolCreate", PoolFlags.class, None.class);
    public static final Procedure<PoolFlags, None> POOL_BUILD = T.write(79, "virStoragePoolBuild", PoolFlags.class, None.class);
    public static final Procedure<PoolArg, None> POOL_DESTROY = T.write(80, "virStoragePoolDestroy", PoolArg.class, None.class);
    public static final Procedure<PoolFlags, None> POOL_DELETE = T.write(81, "virStoragePoolDelete", PoolFlags.class, None.class);
    public static final Procedure<PoolArg, None> POOL_UNDEFINE = T.write(82, "virStoragePoolUndefine", PoolArg.class, None.class);
    public static final Procedure<PoolFlags, None> POOL_REFRESH = T.write(83, "virStoragePoolRefresh", PoolFlags.class, None.class);
    public static final Procedure<Text, PoolRef> POOL_LOOKUP_BY_NAME = T.read(84, "virStoragePoolLookupByName", Text.class, PoolRef.class);
    public static final Procedure<ByUuid, PoolRef> POOL_LOOKUP_BY_UUID =
            T.read(85, "virStoragePoolLookupByUUID", ByUuid.class, PoolRef.class);
    public static final Procedure<VolumeArg, PoolRef> POOL_LOOKUP_BY_VOLUME =
            T.read(86, "virStoragePoolLookupByVolume", VolumeArg.class, PoolRef.class);
    public static final Procedure<Text, PoolRef> POOL_LOOKUP_BY_TARGET_PATH =
            T.read(391, "virStoragePoolLookupByTargetPath", Text.class, PoolRef.class);
    public static final Procedure<PoolArg, PoolInfo> POOL_GET_INFO = T.read(87, "virStoragePoolGetInfo", PoolArg.class, PoolInfo.class);
    public static final Procedure<PoolFlags, Text> POOL_GET_XML_DESC =
            T.read(88, "virStoragePoolGetXMLDesc", PoolFlags.class, Text.class);
    public static final Procedure<PoolArg, IntValue> POOL_GET_AUTOSTART =
            T.read(89, "virStoragePoolGetAutostart", PoolArg.class, IntValue.class);
    public static final Procedure<PoolNumber, None> POOL_SET_AUTOSTART =
            T.write(90, "virStoragePoolSetAutostart", PoolNumber.class, None.class);
    public static final Procedure<PoolArg, IntValue> POOL_IS_ACTIVE = T.read(154, "virStoragePoolIsActive", PoolArg.class, IntValue.class);
    public static final Procedure<PoolArg, IntValue> POOL_IS_PERSISTENT =
            T.read(155, "virStoragePoolIsPersistent", PoolArg.class, IntValue.class);
    public static final Procedure<ListAll, PoolList> LIST_ALL_POOLS =
            T.read(281, "virConnectListAllStoragePools", ListAll.class, PoolList.class);

    // ---- volumes
    public static final Procedure<PoolArg, IntValue> NUM_OF_VOLUMES =
            T.read(91, "virStoragePoolNumOfVolumes", PoolArg.class, IntValue.class);
    public static final Procedure<PoolNumber, Texts> LIST_VOLUMES = T.read(92, "virStoragePoolListVolumes", PoolNumber.class, Texts.class);
    public static final Procedure<PoolListAll, VolumeList> LIST_ALL_VOLUMES =
            T.read(282, "virStoragePoolListAllVolumes", PoolListAll.class, VolumeList.class);
    public static final Procedure<PoolTextFlags, VolumeRef> VOL_CREATE_XML =
            T.write(93, "virStorageVolCreateXML", PoolTextFlags.class, VolumeRef.class);
    public static final Procedure<CreateFrom, VolumeRef> VOL_CREATE_XML_FROM =
            T.write(125, "virStorageVolCreateXMLFrom", CreateFrom.class, VolumeRef.class);
    public static final Procedure<VolumeFlags, None> VOL_DELETE = T.write(94, "virStorageVolDelete", VolumeFlags.class, None.class);
    public static final Procedure<PoolText, VolumeRef> VOL_LOOKUP_BY_NAME =
            T.read(95, "virStorageVolLookupByName", PoolText.class, VolumeRef.class);
    public static final Procedure<Text, VolumeRef> VOL_LOOKUP_BY_KEY = T.read(96, "virStorageVolLookupByKey", Text.class, VolumeRef.class);
    public static final Procedure<Text, VolumeRef> VOL_LOOKUP_BY_PATH =
            T.read(97, "virStorageVolLookupByPath", Text.class, VolumeRef.class);
    public static final Procedure<VolumeArg, VolumeInfo> VOL_GET_INFO =
            T.read(98, "virStorageVolGetInfo", VolumeArg.class, VolumeInfo.class);
    public static final Procedure<VolumeFlags, VolumeInfo> VOL_GET_INFO_FLAGS =
            T.read(378, "virStorageVolGetInfoFlags", VolumeFlags.class, VolumeInfo.class);
    public static final Procedure<VolumeFlags, Text> VOL_GET_XML_DESC =
            T.read(99, "virStorageVolGetXMLDesc", VolumeFlags.class, Text.class);
    public static final Procedure<VolumeArg, Text> VOL_GET_PATH = T.read(100, "virStorageVolGetPath", VolumeArg.class, Text.class);
    public static final Procedure<VolumeFlags, None> VOL_WIPE = T.write(165, "virStorageVolWipe", VolumeFlags.class, None.class);
    public static final Procedure<WipePattern, None> VOL_WIPE_PATTERN =
            T.write(259, "virStorageVolWipePattern", WipePattern.class, None.class);
    public static final Procedure<Resize, None> VOL_RESIZE = T.write(260, "virStorageVolResize", Resize.class, None.class);
    public static final Procedure<Transfer, None> VOL_UPLOAD = T.write(208, "virStorageVolUpload", Transfer.class, None.class);
    public static final Procedure<Transfer, None> VOL_DOWNLOAD = T.write(209, "virStorageVolDownload", Transfer.class, None.class);

    // ---- events
    public static final Procedure<Register, IntValue> REGISTER =
            T.read(368, "virConnectStoragePoolEventRegisterAny", Register.class, IntValue.class);
    public static final Procedure<IntValue, None> DEREGISTER =
            T.read(369, "virConnectStoragePoolEventDeregisterAny", IntValue.class, None.class);
    public static final Event<Lifecycle> LIFECYCLE = T.event(370, Lifecycle.class);
    public static final Event<Refresh> REFRESH = T.event(373, Refresh.class);

    private Storage() {}

    public record PoolArg(PoolRef pool) {}

    public record PoolFlags(PoolRef pool, int flags) {}

    public record PoolNumber(PoolRef pool, int number) {}

    public record PoolText(PoolRef pool, String text) {}

    public record PoolTextFlags(PoolRef pool, String text, int flags) {}

    public record PoolListAll(PoolRef pool, int needResults, int flags) {}

    public record VolumeArg(VolumeRef volume) {}

    public record VolumeFlags(VolumeRef volume, int flags) {}

    public record PoolList(List<PoolRef> pools, int count) {}

    public record VolumeList(List<VolumeRef> volumes, int count) {}

    public record FindSources(String type, Optional<String> source, int flags) {}

    /// Sizes in bytes.
    ///
    /// @param state 0 inactive, 1 building, 2 running
    public record PoolInfo(int state, long capacity, long allocation, long available) {}

    /// Sizes in bytes.
    ///
    /// @param type 0 file, 1 block, 2 directory
    public record VolumeInfo(int type, long capacity, long allocation) {}

    public record CreateFrom(PoolRef pool, String xml, VolumeRef source, int flags) {}

    public record WipePattern(VolumeRef volume, int algorithm, int flags) {}

    /// @param capacity bytes
    public record Resize(VolumeRef volume, long capacity, int flags) {}

    /// In bytes; a length of 0 is all that follows.
    public record Transfer(VolumeRef volume, long offset, long length, int flags) {}

    public record Register(int eventId, Optional<PoolRef> pool) {}

    public record Lifecycle(int callback, PoolRef pool, int event, int detail) {}

    public record Refresh(int callback, PoolRef pool) {}
}
