package io.kahvem.libvirt.protocol;

import static io.kahvem.libvirt.protocol.Common.*;

import java.util.Optional;

/// The program beside the main one (qemu_protocol.x): a machine's monitor and its agent, as they are.
public final class Qemu {
    private static final Table T = new Table(Program.QEMU);

    public static final Procedure<Domains.DomainTextFlags, Text> MONITOR_COMMAND =
            T.write(1, "virDomainQemuMonitorCommand", Domains.DomainTextFlags.class, Text.class);
    public static final Procedure<AgentCommand, MaybeText> AGENT_COMMAND =
            T.write(3, "virDomainQemuAgentCommand", AgentCommand.class, MaybeText.class);
    public static final Procedure<Register, IntValue> MONITOR_EVENT_REGISTER =
            T.write(4, "virConnectDomainQemuMonitorEventRegister", Register.class, IntValue.class);
    public static final Procedure<IntValue, None> MONITOR_EVENT_DEREGISTER =
            T.write(5, "virConnectDomainQemuMonitorEventDeregister", IntValue.class, None.class);
    public static final Event<MonitorEvent> MONITOR_EVENT = T.event(6, MonitorEvent.class);

    public static final Procedure<Domains.DomainTextFlags, Text> MONITOR_COMMAND_WITH_FILES =
            T.write(7, "virDomainQemuMonitorCommandWithFiles", Domains.DomainTextFlags.class, Text.class);

    private Qemu() {}

    public record AgentCommand(DomainRef domain, String command, int timeoutSeconds, int flags) {}

    public record Register(Optional<DomainRef> domain, Optional<String> event, int flags) {}

    public record MonitorEvent(
            int callback, DomainRef domain, String event, long seconds, int micros, Optional<String> details) {}
}
