package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import io.kahvem.libvirt.xdr.Max;
import java.util.List;
import java.util.Optional;

/// Secrets: pass phrases that storage and networks refer to by UUID or by use.
public final class Secrets {
    private static final Table T = new Table(Program.REMOTE);

    public static final Procedure<None, IntValue> NUM_OF = T.read(139, "virConnectNumOfSecrets", None.class, IntValue.class);
    public static final Procedure<MaxNames, Texts> LIST = T.read(140, "virConnectListSecrets", MaxNames.class, Texts.class);
    public static final Procedure<ByUuid, SecretRef> LOOKUP_BY_UUID = T.read(141, "virSecretLookupByUUID", ByUuid.class, SecretRef.class);
    public static final Procedure<TextFlags, SecretRef> DEFINE_XML = T.write(142, "virSecretDefineXML", TextFlags.class, SecretRef.class);
    public static final Procedure<SecretFlags, Text> GET_XML_DESC = T.read(143, "virSecretGetXMLDesc", SecretFlags.class, Text.class);
    public static final Procedure<SetValue, None> SET_VALUE = T.write(144, "virSecretSetValue", SetValue.class, None.class);
    public static final Procedure<SecretFlags, Octets> GET_VALUE = T.write(145, "virSecretGetValue", SecretFlags.class, Octets.class);
    public static final Procedure<SecretArg, None> UNDEFINE = T.write(146, "virSecretUndefine", SecretArg.class, None.class);
    public static final Procedure<ByUsage, SecretRef> LOOKUP_BY_USAGE =
            T.read(147, "virSecretLookupByUsage", ByUsage.class, SecretRef.class);
    public static final Procedure<ListAll, SecretList> LIST_ALL = T.read(287, "virConnectListAllSecrets", ListAll.class, SecretList.class);

    public static final Procedure<Register, IntValue> REGISTER =
            T.read(380, "virConnectSecretEventRegisterAny", Register.class, IntValue.class);
    public static final Procedure<IntValue, None> DEREGISTER =
            T.read(381, "virConnectSecretEventDeregisterAny", IntValue.class, None.class);
    public static final Event<Lifecycle> LIFECYCLE = T.event(382, Lifecycle.class);
    public static final Event<ValueChanged> VALUE_CHANGED = T.event(383, ValueChanged.class);

    private Secrets() {}

    public record SecretArg(SecretRef secret) {}

    public record SecretFlags(SecretRef secret, int flags) {}

    public record SetValue(SecretRef secret, @Max(65536) byte[] value, int flags) {}

    public record ByUsage(int usageType, String usageId) {}

    public record SecretList(List<SecretRef> secrets, int count) {}

    public record Register(int eventId, Optional<SecretRef> secret) {}

    public record Lifecycle(int callback, SecretRef secret, int event, int detail) {}

    public record ValueChanged(int callback, SecretRef secret) {}
}
