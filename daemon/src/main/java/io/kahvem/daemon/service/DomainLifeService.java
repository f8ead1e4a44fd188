package io.kahvem.daemon.service;

import io.kahvem.daemon.AtomicFiles;
import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.domain.DomainConsoles;
import io.kahvem.daemon.domain.DomainDevicesEditor;
import io.kahvem.daemon.domain.DomainDisks;
import io.kahvem.daemon.domain.DomainLife;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.domain.DomainResources;
import io.kahvem.daemon.domain.DomainScreens;
import io.kahvem.daemon.domain.KeyCodes;
import io.kahvem.daemon.rpc.Call;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.daemon.storage.VolumeStreams;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.MaybeText;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Qemu;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// A machine's life: starting, stopping, changing it; its console and its monitor.
public final class DomainLifeService {
    private static final int HUMAN = 1;
    private static final int FORCE = 1;
    private static final int BYTES = 1;
    private static final int KIB = 1024;
    private static final int MAXIMUM = 4;
    private static final int CONFIG = 2;
    private static final None NONE = new None();

    private final DomainRegistry registry;
    private final DomainLife life;
    private final DomainResources resources;
    private final DomainDevicesEditor devices;
    private final DomainConsoles consoles = new DomainConsoles();

    public DomainLifeService(DomainRegistry registry, DomainLife life) {
        this.registry = registry;
        this.life = life;
        this.resources = new DomainResources(registry);
        this.devices = new DomainDevicesEditor(registry);
    }

    public void bind(Handlers handlers) {
        starting(handlers);
        driving(handlers);
        resources(handlers);
        devices(handlers);
        monitor(handlers);
    }

    private Domain find(DomainRef ref) {
        return registry.byRef(ref);
    }

    private void starting(Handlers handlers) {
        handlers.on(Domains.CREATE, (call, a) -> {
            life.start(find(a.domain()), 0, call.client());
            return NONE;
        });
        handlers.on(Domains.CREATE_WITH_FLAGS, (call, a) -> {
            Domain domain = find(a.domain());
            life.start(domain, a.flags(), call.client());
            return domain.ref();
        });
        handlers.on(Domains.CREATE_WITH_FILES, (call, a) -> {
            Domain domain = find(a.domain());
            noFiles(call, "virDomainCreateWithFiles");
            life.start(domain, a.flags(), call.client());
            return domain.ref();
        });
        handlers.on(Domains.CREATE_XML_WITH_FILES, (call, a) -> {
            noFiles(call, "virDomainCreateXMLWithFiles");
            return life.create(a.text(), a.flags(), call.client()).ref();
        });
        handlers.on(Domains.CREATE_XML, (call, a) -> life.create(a.text(), a.flags(), call.client()).ref());
    }

    /// Descriptors are for machines that are containers.
    private static void noFiles(Call call, String function) {
        if (!call.descriptors().isEmpty()) throw LibvirtException.of(ErrorCode.NO_SUPPORT, ErrorDomain.DOMAIN, function);
    }

    private void driving(Handlers handlers) {
        plain(handlers, Domains.SUSPEND, life::suspend);
        plain(handlers, Domains.RESUME, life::resume);
        plain(handlers, Domains.SHUTDOWN, life::shutdown);
        plain(handlers, Domains.DESTROY, life::destroy);
        flagged(handlers, Domains.DESTROY_FLAGS, life::destroy);
        flagged(handlers, Domains.SHUTDOWN_FLAGS, life::shutdown);
        flagged(handlers, Domains.REBOOT, life::reboot);
        flagged(handlers, Domains.RESET, life::reset);
        flagged(handlers, Domains.INJECT_NMI, life::injectNmi);
        handlers.on(Domains.SEND_KEY, (call, a) -> {
            List<Integer> keys = a.codes().stream().map(code -> KeyCodes.number(a.codeSet(), code)).toList();
            life.pressKeys(find(a.domain()), keys, a.holdMillis());
            return NONE;
        });
        handlers.on(DomainDevices.SCREENSHOT, (call, a) -> {
            Path picture = DomainScreens.picture(find(a.domain()), a.number());
            try {
                call.openStream(VolumeStreams.download(picture, 0, 0, false));
            } finally {
                AtomicFiles.delete(picture); // who reads it has it open
            }
            return new MaybeText(Optional.of(DomainScreens.MIME));
        });
        plain(handlers, Domains.ABORT_JOB, domain -> {
            if (!domain.isActive()) throw invalid("domain is not running");
            throw invalid("no job is active on the domain");
        });
        handlers.on(DomainDevices.OPEN_CONSOLE, (call, a) -> {
            call.openStream(consoles.open(find(a.domain()), a.device(), (a.flags() & FORCE) != 0));
            return NONE;
        });
    }

    private void plain(Handlers handlers, Procedure<Domains.DomainArg, None> procedure, Consumer<Domain> action) {
        handlers.on(procedure, (call, a) -> {
            action.accept(find(a.domain()));
            return NONE;
        });
    }

    private void flagged(Handlers handlers, Procedure<Domains.DomainFlags, None> procedure, Consumer<Domain> action) {
        handlers.on(procedure, (call, a) -> {
            action.accept(find(a.domain()));
            return NONE;
        });
    }

    private void resources(Handlers handlers) {
        handlers.on(Domains.SET_VCPUS, (call, a) -> {
            resources.setVcpus(find(a.domain()), a.number(), 1);
            return NONE;
        });
        handlers.on(Domains.SET_VCPUS_FLAGS, (call, a) -> {
            resources.setVcpus(find(a.domain()), a.number(), a.flags());
            return NONE;
        });
        handlers.on(Domains.GET_VCPUS_FLAGS, (call, a) -> new IntValue(resources.vcpus(find(a.domain()), a.flags())));
        handlers.on(Domains.GET_MAX_VCPUS, (call, a) -> new IntValue(resources.vcpus(find(a.domain()), MAXIMUM)));
        handlers.on(Domains.SET_MEMORY, (call, a) -> {
            resources.setMemory(find(a.domain()), a.kib(), 1);
            return NONE;
        });
        handlers.on(Domains.SET_MAX_MEMORY, (call, a) -> {
            resources.setMemory(find(a.domain()), a.kib(), MAXIMUM | CONFIG);
            return NONE;
        });
        handlers.on(Domains.SET_MEMORY_FLAGS, (call, a) -> {
            resources.setMemory(find(a.domain()), a.kib(), a.flags());
            return NONE;
        });
    }

    private void devices(Handlers handlers) {
        handlers.on(DomainDevices.BLOCK_RESIZE, (call, a) -> {
            boolean inBytes = (a.flags() & BYTES) != 0;
            if (!inBytes && Long.compareUnsigned(a.size(), Long.MAX_VALUE / KIB) > 0) throw tooLarge();
            DomainDisks.resize(find(a.domain()), a.disk(), inBytes ? a.size() : a.size() * KIB);
            return NONE;
        });
        handlers.on(DomainDevices.ATTACH, (call, a) -> {
            devices.attach(find(a.domain()), a.text(), 1);
            return NONE;
        });
        handlers.on(DomainDevices.ATTACH_FLAGS, (call, a) -> {
            devices.attach(find(a.domain()), a.text(), a.flags());
            return NONE;
        });
        handlers.on(DomainDevices.DETACH, (call, a) -> {
            devices.detach(find(a.domain()), a.text(), 1);
            return NONE;
        });
        handlers.on(DomainDevices.DETACH_FLAGS, (call, a) -> {
            devices.detach(find(a.domain()), a.text(), a.flags());
            return NONE;
        });
        handlers.on(DomainDevices.UPDATE_FLAGS, (call, a) -> {
            devices.update(find(a.domain()), a.text(), a.flags());
            return NONE;
        });
    }

    private void monitor(Handlers handlers) {
        handlers.on(Qemu.MONITOR_COMMAND, (call, a) ->
                new Text(life.command(find(a.domain()), a.text(), (a.flags() & HUMAN) != 0, List.of())));
        handlers.on(Qemu.MONITOR_COMMAND_WITH_FILES, (call, a) ->
                new Text(life.command(find(a.domain()), a.text(), (a.flags() & HUMAN) != 0, call.descriptors())));
    }

    private static LibvirtException tooLarge() {
        return LibvirtException.of(ErrorCode.OVERFLOW, ErrorDomain.QEMU,
                "size must be less than %d".formatted(Long.MAX_VALUE / KIB));
    }

    private static LibvirtException invalid(String detail) {
        return LibvirtException.of(ErrorCode.OPERATION_INVALID, ErrorDomain.QEMU, detail);
    }
}
