package io.kahvem.daemon.service;

import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.domain.DomainDisks;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Parameters;
import io.kahvem.libvirt.protocol.Common.Size;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Qemu;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// What machines do not have, or not yet: an agent in the guest, migration, saved images. Who asks for it is answered as by
/// a libvirtd whose machine lacks it, and refused in its words.
public final class DomainAbsencesService {
    private static final String AGENT = "org.qemu.guest_agent.0";
    /// virDomainInterfaceAddressesSource.
    private static final int FROM_AGENT = 1;

    /// What libvirt has for a migration that nobody has tuned: milliseconds, MiB/s.
    private static final long MAX_DOWNTIME = 300;
    private static final long MAX_SPEED = Long.MAX_VALUE >> 20;

    /// virDomainPerfEvents.
    private static final List<String> EVENTS = List.of("cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references",
            "cache_misses", "branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend",
            "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults", "context_switches", "cpu_migrations", "page_faults_min",
            "page_faults_maj", "alignment_faults", "emulation_faults");

    private final DomainRegistry registry;

    public DomainAbsencesService(DomainRegistry registry) {
        this.registry = registry;
    }

    public void bind(Handlers handlers) {
        migration(handlers);
        savedImages(handlers);
        threads(handlers);
        agent(handlers);
        devices(handlers);
    }

    private Domain find(DomainRef ref) {
        return registry.byRef(ref);
    }

    private Domain running(DomainRef ref) {
        Domain domain = find(ref);
        if (!domain.isActive()) throw refused(ErrorCode.OPERATION_INVALID, "domain is not running");
        return domain;
    }

    private static LibvirtException refused(ErrorCode code, String detail) {
        return LibvirtException.of(code, ErrorDomain.QEMU, detail);
    }

    private static <A extends Record> void refuse(
            Handlers handlers, Procedure<A, ?> procedure, Function<A, DomainRef> whose, Function<DomainRef, LibvirtException> why) {
        handlers.on(procedure, (call, a) -> {
            throw why.apply(whose.apply(a));
        });
    }

    private void migration(Handlers handlers) {
        handlers.on(Domains.MIGRATE_GET_MAX_DOWNTIME, (call, a) -> {
            running(a.domain());
            return new Size(MAX_DOWNTIME);
        });
        handlers.on(Domains.MIGRATE_GET_MAX_SPEED, (call, a) -> {
            find(a.domain());
            return new Size(MAX_SPEED);
        });
        refuse(handlers, Domains.MIGRATE_SET_MAX_DOWNTIME, Domains.DomainSizeFlags::domain, domain -> noMigration(running(domain)));
        refuse(handlers, Domains.MIGRATE_SET_MAX_SPEED, Domains.DomainSizeFlags::domain, domain -> noMigration(find(domain)));
        refuse(handlers, Domains.START_DIRTY_RATE_CALC, Domains.DomainNumberFlags::domain, domain -> {
            running(domain);
            return refused(ErrorCode.OPERATION_UNSUPPORTED, "this machine does not count which of its memory the guest writes");
        });
    }

    private static LibvirtException noMigration(Domain domain) {
        return refused(ErrorCode.OPERATION_UNSUPPORTED,
                "domain '%s' does not migrate: this daemon moves no machines to other hosts".formatted(domain.name()));
    }

    private void savedImages(Handlers handlers) {
        refuse(handlers, Domains.MANAGED_SAVE_GET_XML_DESC, Domains.DomainFlags::domain, this::noManagedSave);
        refuse(handlers, Domains.MANAGED_SAVE_DEFINE_XML, Domains.ManagedSaveXml::domain, this::noManagedSave);
    }

    private LibvirtException noManagedSave(DomainRef domain) {
        find(domain);
        return refused(ErrorCode.OPERATION_INVALID, "domain does not have managed save image");
    }

    private void threads(Handlers handlers) {
        handlers.on(Domains.GET_IOTHREAD_INFO, (call, a) -> {
            find(a.domain());
            return new Domains.IoThreads(List.of(), 0);
        });
        refuse(handlers, Domains.ADD_IOTHREAD, Domains.DomainArg::domain, this::noIoThreads);
        refuse(handlers, Domains.DEL_IOTHREAD, Domains.DomainArg::domain, this::noIoThreads);
        handlers.on(Domains.SET_IOTHREAD_PARAMS, (call, a) -> {
            find(a.domain());
            throw refused(ErrorCode.INVALID_ARG,
                    "cannot find IOThread '%s' in iothreadids".formatted(Integer.toUnsignedString(a.thread())));
        });
        handlers.on(Domains.GET_PERF_EVENTS, (call, a) -> {
            find(a.domain());
            List<TypedParameter> events = new ArrayList<>();
            for (String event : EVENTS) events.add(TypedParameter.ofBool(event, false));
            return new Parameters(events);
        });
        handlers.on(Domains.GET_LAUNCH_SECURITY_INFO, (call, a) -> {
            find(a.domain());
            return new Parameters(List.of());
        });
    }

    private LibvirtException noIoThreads(DomainRef domain) {
        find(domain);
        return refused(ErrorCode.CONFIG_UNSUPPORTED, "IOThreads not supported with this machine: its devices have threads of their own");
    }

    private void agent(Handlers handlers) {
        refuse(handlers, DomainDevices.GET_TIME, Domains.DomainFlags::domain, this::noAgent);
        refuse(handlers, DomainDevices.GET_HOSTNAME, Domains.DomainFlags::domain, this::noAgent);
        refuse(handlers, DomainDevices.GET_FSINFO, Domains.DomainFlags::domain, this::noAgent);
        refuse(handlers, Domains.PM_SUSPEND_FOR_DURATION, Domains.PmSuspend::domain, this::noAgent);
        refuse(handlers, Qemu.AGENT_COMMAND, Qemu.AgentCommand::domain, this::noAgent);
        for (Procedure<Domains.DomainArg, None> each : List.of(DomainDevices.SET_TIME, DomainDevices.FSTRIM, DomainDevices.FSFREEZE,
                DomainDevices.FSTHAW, DomainDevices.SET_USER_PASSWORD, DomainDevices.GET_GUEST_VCPUS, DomainDevices.SET_GUEST_VCPUS,
                DomainDevices.GET_GUEST_INFO)) {
            refuse(handlers, each, Domains.DomainArg::domain, this::noAgent);
        }
    }

    private LibvirtException noAgent(DomainRef domain) {
        boolean described = running(domain).definition().devices("channel").stream()
                .anyMatch(channel -> channel.attributeAt("target", "name").filter(AGENT::equals).isPresent());
        return described
                ? refused(ErrorCode.AGENT_UNRESPONSIVE, "QEMU guest agent is not connected")
                : refused(ErrorCode.ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
    }

    private void devices(Handlers handlers) {
        handlers.on(DomainDevices.SET_BLOCK_THRESHOLD, (call, a) -> {
            boolean there = DomainDisks.all(running(a.domain())).stream().anyMatch(disk -> disk.target().equals(a.disk()));
            if (!there) throw refused(ErrorCode.INVALID_ARG, "failed to find disk '%s'".formatted(a.disk()));
            throw refused(ErrorCode.OPERATION_UNSUPPORTED, "this machine does not tell how far a disk is written");
        });
        handlers.on(DomainDevices.INTERFACE_ADDRESSES, (call, a) -> {
            running(a.domain());
            if (a.source() == FROM_AGENT) throw noAgent(a.domain());
            return new DomainDevices.InterfaceAddresses(List.of());
        });
        refuse(handlers, Domains.PM_WAKEUP, Domains.DomainFlags::domain, domain -> {
            running(domain);
            return refused(ErrorCode.INTERNAL_ERROR,
                    "unable to execute QEMU command 'system_wakeup': Unable to wake up: guest is not in suspended state");
        });
        handlers.on(DomainDevices.OPEN_GRAPHICS_FD, (call, a) -> {
            List<Element> graphics = running(a.domain()).definition().devices("graphics");
            if (a.number() < 0 || a.number() >= graphics.size()) {
                throw refused(ErrorCode.INTERNAL_ERROR, "No graphics backend with index %d".formatted(a.number()));
            }
            throw refused(ErrorCode.CONFIG_UNSUPPORTED, "graphics of type '%s' stand in the description alone: this machine shows none"
                    .formatted(graphics.get(a.number()).attribute("type", "")));
        });
        handlers.on(DomainDevices.OPEN_CHANNEL, (call, a) -> {
            running(a.domain());
            throw refused(ErrorCode.INTERNAL_ERROR, "cannot find channel %s".formatted(a.device().orElse("<null>")));
        });
    }
}
