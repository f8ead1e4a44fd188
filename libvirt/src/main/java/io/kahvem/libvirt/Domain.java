package io.kahvem.libvirt;

import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainArg;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// A machine of a daemon's. It names one and holds no state: every method asks.
public final class Domain {
    private static final int INACTIVE = 2;

    private final Connection connection;
    private final DomainRef ref;

    Domain(Connection connection, DomainRef ref) {
        this.connection = connection;
        this.ref = ref;
    }

    /// virDomainState.
    public enum State { NONE, RUNNING, BLOCKED, PAUSED, SHUTDOWN, SHUTOFF, CRASHED, PMSUSPENDED }

    /// As it was when it was looked up.
    public String name() {
        return ref.name();
    }

    public UUID uuid() {
        return ref.uuid();
    }

    public State state() {
        int state = connection.call(Domains.GET_STATE, new DomainFlags(ref, 0)).state();
        return state >= 0 && state < State.values().length ? State.values()[state] : State.NONE;
    }

    public boolean isActive() {
        return connection.call(Domains.IS_ACTIVE, new DomainArg(ref)).value() != 0;
    }

    public boolean isPersistent() {
        return connection.call(Domains.IS_PERSISTENT, new DomainArg(ref)).value() != 0;
    }

    /// @param memoryKib what it may have at most
    /// @param currentMemoryKib what its guest has now
    public record Info(State state, long memoryKib, long currentMemoryKib, int vcpus, long cpuNanos) {}

    public Info info() {
        Domains.DomainInfo info = connection.call(Domains.GET_INFO, new DomainArg(ref));
        return new Info(State.values()[info.state()], info.maxMemory(), info.memory(), info.vcpus(), info.cpuTime());
    }

    /// The description of the running machine, or of what it will start as.
    public String describe() {
        return connection.call(Domains.GET_XML_DESC, new DomainFlags(ref, 0)).text();
    }

    /// The description of what it will start as.
    public String describeInactive() {
        return connection.call(Domains.GET_XML_DESC, new DomainFlags(ref, INACTIVE)).text();
    }

    /// Starts it. Throws [InvalidStateException] where it runs.
    public Domain start() {
        connection.call(Domains.CREATE, new DomainArg(ref));
        return this;
    }

    public void suspend() {
        connection.call(Domains.SUSPEND, new DomainArg(ref));
    }

    public void resume() {
        connection.call(Domains.RESUME, new DomainArg(ref));
    }

    /// Presses the power button.
    public void shutdown() {
        connection.call(Domains.SHUTDOWN, new DomainArg(ref));
    }

    /// Presses the power button, and starts it over when the guest has switched it off.
    public void reboot() {
        connection.call(Domains.REBOOT, new DomainFlags(ref, 0));
    }

    /// Presses the reset button.
    public void reset() {
        connection.call(Domains.RESET, new DomainFlags(ref, 0));
    }

    /// Pulls the plug.
    public void destroy() {
        connection.call(Domains.DESTROY, new DomainArg(ref));
    }

    public void undefine() {
        connection.call(Domains.UNDEFINE_FLAGS, new DomainFlags(ref, 0));
    }

    public boolean isAutostart() {
        return connection.call(Domains.GET_AUTOSTART, new DomainArg(ref)).value() != 0;
    }

    public void setAutostart(boolean autostart) {
        connection.call(Domains.SET_AUTOSTART, new Domains.DomainNumber(ref, autostart ? 1 : 0));
    }

    /// All that is counted of it, by libvirt's names.
    public Map<String, TypedParameter> statistics() {
        Map<String, TypedParameter> statistics = new LinkedHashMap<>();
        for (Domains.DomainStats each : connection.call(Domains.GET_ALL_STATS, new Domains.StatsQuery(List.of(ref), 0, 0)).domains()) {
            for (TypedParameter parameter : each.parameters()) statistics.put(parameter.field(), parameter);
        }
        return statistics;
    }

    /// Its serial line. Throws where someone else sits there, unless `force` sends them away.
    public RpcStream console(boolean force) {
        return connection.stream(DomainDevices.OPEN_CONSOLE, new DomainDevices.OpenConsole(ref, Optional.empty(), force ? 1 : 0));
    }

    @Override
    public String toString() {
        return "%s (%s)".formatted(name(), uuid());
    }
}
