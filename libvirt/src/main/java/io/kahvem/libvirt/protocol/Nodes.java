package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// The host's own devices and network interfaces.
public final class Nodes {
    private static final Table T = new Table(Program.REMOTE);

    // ---- devices
    public static final Procedure<CapabilityQuery, IntValue> NUM_OF_DEVICES =
            T.read(111, "virNodeNumOfDevices", CapabilityQuery.class, IntValue.class);
    public static final Procedure<CapabilityList, Texts> LIST_DEVICES =
            T.read(112, "virNodeListDevices", CapabilityList.class, Texts.class);
    public static final Procedure<Text, NodeDeviceRef> DEVICE_LOOKUP_BY_NAME =
            T.read(113, "virNodeDeviceLookupByName", Text.class, NodeDeviceRef.class);
    public static final Procedure<TextFlags, Text> DEVICE_GET_XML_DESC =
            T.read(114, "virNodeDeviceGetXMLDesc", TextFlags.class, Text.class);
    public static final Procedure<Text, MaybeText> DEVICE_GET_PARENT = T.read(115, "virNodeDeviceGetParent", Text.class, MaybeText.class);
    public static final Procedure<Text, IntValue> DEVICE_NUM_OF_CAPS = T.read(116, "virNodeDeviceNumOfCaps", Text.class, IntValue.class);
    public static final Procedure<NamedList, Texts> DEVICE_LIST_CAPS = T.read(117, "virNodeDeviceListCaps", NamedList.class, Texts.class);
    public static final Procedure<ListAll, DeviceList> LIST_ALL_DEVICES =
            T.read(285, "virConnectListAllNodeDevices", ListAll.class, DeviceList.class);
    public static final Procedure<Text, IntValue> DEVICE_GET_AUTOSTART =
            T.read(433, "virNodeDeviceGetAutostart", Text.class, IntValue.class);
    public static final Procedure<Text, IntValue> DEVICE_IS_PERSISTENT =
            T.read(435, "virNodeDeviceIsPersistent", Text.class, IntValue.class);
    public static final Procedure<Text, IntValue> DEVICE_IS_ACTIVE = T.read(436, "virNodeDeviceIsActive", Text.class, IntValue.class);
    public static final Procedure<Register, IntValue> REGISTER =
            T.read(374, "virConnectNodeDeviceEventRegisterAny", Register.class, IntValue.class);
    public static final Procedure<IntValue, None> DEREGISTER =
            T.read(375, "virConnectNodeDeviceEventDeregisterAny", IntValue.class, None.class);

    // ---- interfaces
    public static final Procedure<None, IntValue> NUM_OF_INTERFACES = T.read(126, "virConnectNumOfInterfaces", None.class, IntValue.class);
    public static final Procedure<MaxNames, Texts> LIST_INTERFACES = T.read(127, "virConnectListInterfaces", MaxNames.class, Texts.class);
    public static final Procedure<Text, InterfaceRef> INTERFACE_LOOKUP_BY_NAME =
            T.read(128, "virInterfaceLookupByName", Text.class, InterfaceRef.class);
    public static final Procedure<Text, InterfaceRef> INTERFACE_LOOKUP_BY_MAC =
            T.read(129, "virInterfaceLookupByMACString", Text.class, InterfaceRef.class);
    public static final Procedure<InterfaceFlags, Text> INTERFACE_GET_XML_DESC =
            T.read(130, "virInterfaceGetXMLDesc", InterfaceFlags.class, Text.class);
    public static final Procedure<None, IntValue> NUM_OF_DEFINED_INTERFACES =
            T.read(137, "virConnectNumOfDefinedInterfaces", None.class, IntValue.class);
    public static final Procedure<MaxNames, Texts> LIST_DEFINED_INTERFACES =
            T.read(138, "virConnectListDefinedInterfaces", MaxNames.class, Texts.class);
    public static final Procedure<InterfaceArg, IntValue> INTERFACE_IS_ACTIVE =
            T.read(156, "virInterfaceIsActive", InterfaceArg.class, IntValue.class);
    public static final Procedure<ListAll, InterfaceList> LIST_ALL_INTERFACES =
            T.read(284, "virConnectListAllInterfaces", ListAll.class, InterfaceList.class);

    private Nodes() {}

    public record CapabilityQuery(Optional<String> capability, int flags) {}

    public record CapabilityList(Optional<String> capability, int maximum, int flags) {}

    public record NamedList(String name, int maximum) {}

    public record DeviceList(@Max(65536) List<NodeDeviceRef> devices, int count) {}

    public record Register(int eventId, Optional<NodeDeviceRef> device) {}

    public record InterfaceArg(InterfaceRef iface) {}

    public record InterfaceFlags(InterfaceRef iface, int flags) {}

    public record InterfaceList(@Max(2048) List<InterfaceRef> interfaces, int count) {}
}
