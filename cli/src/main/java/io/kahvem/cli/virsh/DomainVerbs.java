package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.cli.virsh.Lookup.By;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainArg;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Defining machines, and their life.
final class DomainVerbs {
    private static final int INACTIVE = 2;
    private static final int SECURE = 1;
    private static final int VALIDATE_DEFINE = 1;
    private static final Map<String, Integer> START_FLAGS = Map.of(
            "paused", 1, "autodestroy", 2, "bypass-cache", 4, "force-boot", 8, "validate", 16, "reset-nvram", 32);
    private static final Map<String, Integer> UNDEFINE_FLAGS = Map.of("managed-save", 1, "snapshots-metadata", 2, "nvram", 4,
            "keep-nvram", 8, "checkpoints-metadata", 16, "tpm", 32, "keep-tpm", 64);
    private static final Map<String, Integer> DUMP_FLAGS =
            Map.of("security-info", SECURE, "inactive", INACTIVE, "update-cpu", 4, "migratable", 8);
    private static final List<String> POWER_MODES = List.of("acpi", "agent", "initctl", "signal", "paravirt");
    private static final List<String> LIFECYCLE_TYPES = List.of("poweroff", "reboot", "crash");
    private static final List<String> LIFECYCLE_ACTIONS =
            List.of("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart");

    static final List<Verb> TABLE = List.of(
            domain("autostart", "Start a machine with the daemon.", DomainVerbs::autostart, DOMAIN,
                    "--disable No longer start it so."),
            domain("create", "Start a machine from a file; it is gone when it ends.", DomainVerbs::create, FILE,
                    "--console Stay on its console.", "--paused Leave its processors stopped.",
                    "--autodestroy End it with this connection.", "--validate Check the file against the schema first.",
                    "--reset-nvram Start with the firmware's variables as they come."),
            domain("define", "Define a machine from a file, or define it anew.", DomainVerbs::define, FILE,
                    "--validate Check the file against the schema first."),
            domain("destroy", "Pull a machine's plug.", DomainVerbs::destroy, DOMAIN,
                    "--graceful Give up where its process does not end on its own.", "--remove-logs Remove its logs too."),
            domain("domid", "Print a machine's number.", call -> call.session().print(
                    MonitorVerbs.id(Lookup.domain(call.session(), call.given("domain"), EnumSet.of(By.NAME, By.UUID))) + "\n"),
                    "<domain> The machine: its name or UUID."),
            domain("domname", "Print a machine's name.", call -> call.session().print(
                    Lookup.domain(call.session(), call.given("domain"), EnumSet.of(By.ID, By.UUID)).name() + "\n"),
                    "<domain> The machine: its number or UUID."),
            domain("domuuid", "Print a machine's UUID.", call -> call.session().print(
                    Lookup.domain(call.session(), call.given("domain"), EnumSet.of(By.ID, By.NAME)).uuid() + "\n"),
                    "<domain> The machine: its name or number."),
            domain("domrename", "Give a machine that is off another name.", DomainVerbs::rename, DOMAIN, "<new-name> The name."),
            domain("dumpxml", "Print a machine's description.", DomainVerbs::dumpXml, DOMAIN,
                    "--inactive What it will start as, not what runs.", "--security-info With passwords.",
                    "--update-cpu Say its CPU by the host's.", "--migratable As another host would be told.", XPATH, WRAP),
            domain("edit", "Change a machine's description in the editor.", DomainVerbs::edit, DOMAIN,
                    "--skip-validate Do not check it against the schema."),
            domain("inject-nmi", "Send a machine's processors a non-maskable interrupt.",
                    call -> call.session().call(Domains.INJECT_NMI, new DomainFlags(Lookup.domain(call), 0)), DOMAIN),
            domain("reboot", "Have a machine's guest reboot.", call -> power(call, "rebooted", "reboot"), DOMAIN,
                    "[mode] How: acpi, agent, initctl, signal or paravirt."),
            domain("reset", "Press a machine's reset button.",
                    call -> life(call, "reset", "Domain '%s' was reset\n", domain -> new Row<>(Domains.RESET, new DomainFlags(domain, 0))),
                    DOMAIN),
            domain("resume", "Let a suspended machine go on.",
                    call -> life(call, "resume", "Domain '%s' resumed\n", domain -> new Row<>(Domains.RESUME, new DomainArg(domain))),
                    DOMAIN),
            domain("set-lifecycle-action", "Choose what an end of the guest's does to a machine.", DomainVerbs::lifecycleAction, DOMAIN,
                    "<type> The end: poweroff, reboot or crash.",
                    "<action> destroy, restart, rename-restart, preserve, coredump-destroy or coredump-restart.", CONFIG, LIVE, CURRENT),
            domain("shutdown", "Press a machine's power button.", call -> power(call, "shutdown", "shutdown"), DOMAIN,
                    "[mode] How: acpi, agent, initctl, signal or paravirt."),
            domain("start", "Start a defined machine.", DomainVerbs::start, DOMAIN,
                    "--console Stay on its console.", "--paused Leave its processors stopped.",
                    "--autodestroy End it with this connection.", "--bypass-cache Read a saved state past the host's cache.",
                    "--force-boot Boot it even where a saved state is there.",
                    "--reset-nvram Start with the firmware's variables as they come."),
            domain("suspend", "Stop a machine's processors.",
                    call -> life(call, "suspend", "Domain '%s' suspended\n", domain -> new Row<>(Domains.SUSPEND, new DomainArg(domain))),
                    DOMAIN),
            domain("undefine", "Forget a machine's definition.", DomainVerbs::undefine, DOMAIN,
                    "--managed-save Its saved state too.", "[storage] These of its volumes too: targets or paths, with commas.",
                    "--remove-all-storage All its volumes too.", "--wipe-storage Overwrite volumes before they go.",
                    "--snapshots-metadata What is known of its snapshots too.",
                    "--checkpoints-metadata What is known of its checkpoints too.", "--nvram Its firmware's variables too.",
                    "--keep-nvram All but its firmware's variables.", "--tpm Its TPM's state too.", "--keep-tpm All but its TPM's state."));

    private DomainVerbs() {}

    private static Verb domain(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.DOMAIN, name, summary, action, rows);
    }

    private static void autostart(Call call) {
        DomainRef domain = Lookup.domain(call);
        boolean off = call.has("disable");
        try {
            call.session().call(Domains.SET_AUTOSTART, new Domains.DomainNumber(domain, off ? 0 : 1));
        } catch (LibvirtException e) {
            throw new Failure("Failed to %s domain '%s' as autostarted".formatted(off ? "unmark" : "mark", domain.name()), e);
        }
        call.session().say("Domain '%s' %s as autostarted\n".formatted(domain.name(), off ? "unmarked" : "marked"));
    }

    private static void create(Call call) {
        String file = call.given("file");
        DomainRef domain;
        try {
            domain = call.session().call(Domains.CREATE_XML, new TextFlags(call.file("file"), call.flags(START_FLAGS)));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create domain from " + file, e);
        }
        call.session().say("Domain '%s' created from %s\n".formatted(domain.name(), file));
        if (call.has("console")) ConsoleVerb.run(call.session(), domain, Optional.empty(), 0);
    }

    private static void define(Call call) {
        String file = call.given("file");
        try {
            DomainRef domain = define(call.session(), call.file("file"), call.has("validate"));
            call.session().say("Domain '%s' defined from %s\n".formatted(domain.name(), file));
        } catch (LibvirtException e) {
            throw new Failure("Failed to define domain from " + file, e);
        }
    }

    private static DomainRef define(Session session, String xml, boolean validate) {
        return validate ? session.call(Domains.DEFINE_XML_FLAGS, new TextFlags(xml, VALIDATE_DEFINE))
                : session.call(Domains.DEFINE_XML, new Text(xml));
    }

    private static void destroy(Call call) {
        int flags = call.flags(Map.of("graceful", 1, "remove-logs", 2));
        life(call, "destroy", "Domain '%s' destroyed\n", domain -> flags == 0
                ? new Row<>(Domains.DESTROY, new DomainArg(domain)) : new Row<>(Domains.DESTROY_FLAGS, new DomainFlags(domain, flags)));
    }

    private static void rename(Call call) {
        DomainRef domain = Lookup.domain(call);
        call.session().call(Domains.RENAME, new Domains.Rename(domain, call.text("new-name"), 0));
        call.session().say("Domain successfully renamed\n");
    }

    private static void dumpXml(Call call) {
        DomainRef domain = Lookup.domain(call);
        Xml.print(call, call.session().call(Domains.GET_XML_DESC, new DomainFlags(domain, call.flags(DUMP_FLAGS))).text());
    }

    private static void edit(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        String before = session.call(Domains.GET_XML_DESC, new DomainFlags(domain, INACTIVE | SECURE)).text();
        String after = Files.edit(session, before);
        if (after.equals(before)) {
            session.say("Domain '%s' XML configuration not changed.\n".formatted(domain.name()));
            return;
        }
        define(session, after, !call.has("skip-validate"));
        session.say("Domain '%s' XML configuration edited.\n".formatted(domain.name()));
    }

    private static void start(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        if (domain.id() >= 0) throw new Failure("Domain is already active");
        int flags = call.flags(START_FLAGS);
        try {
            if (flags == 0) {
                session.call(Domains.CREATE, new DomainArg(domain));
            } else {
                session.call(Domains.CREATE_WITH_FLAGS, new DomainFlags(domain, flags));
            }
        } catch (LibvirtException e) {
            throw new Failure("Failed to start domain '%s'".formatted(domain.name()), e);
        }
        session.say("Domain '%s' started\n".formatted(domain.name()));
        if (call.has("console")) ConsoleVerb.run(session, domain, Optional.empty(), 0);
    }

    private static void power(Call call, String done, String what) {
        int flags = 0;
        for (String mode : call.text("mode").map(text -> text.split(",")).orElse(new String[0])) {
            int bit = POWER_MODES.indexOf(mode);
            if (bit < 0) {
                throw new Failure("Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', 'signal', or 'paravirt'".formatted(mode));
            }
            flags |= 1 << bit;
        }
        int chosen = flags;
        life(call, what, "Domain '%s' is being " + done + "\n", domain -> what.equals("reboot")
                ? new Row<>(Domains.REBOOT, new DomainFlags(domain, chosen))
                : chosen == 0 ? new Row<>(Domains.SHUTDOWN, new DomainArg(domain))
                : new Row<>(Domains.SHUTDOWN_FLAGS, new DomainFlags(domain, chosen)));
    }

    private static void lifecycleAction(Call call) {
        int type = LIFECYCLE_TYPES.indexOf(call.given("type"));
        if (type < 0) throw new Failure("Invalid lifecycle type '%s'.".formatted(call.given("type")));
        int action = LIFECYCLE_ACTIONS.indexOf(call.given("action"));
        if (action < 0) throw new Failure("Invalid lifecycle action '%s'.".formatted(call.given("action")));
        DomainRef domain = Lookup.domain(call);
        try {
            call.session().call(Domains.SET_LIFECYCLE_ACTION, new Domains.LifecycleAction(domain, type, action, call.affect()));
        } catch (LibvirtException e) {
            throw new Failure("Unable to change lifecycle action.", e);
        }
    }

    private static void undefine(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        DomainVolumes volumes = DomainVolumes.toRemove(call, domain);
        int flags = call.flags(UNDEFINE_FLAGS);
        try {
            session.call(Domains.UNDEFINE_FLAGS, new DomainFlags(domain, flags));
        } catch (LibvirtException e) {
            if (e.code() != ErrorCode.NO_SUPPORT || flags != 0) {
                throw new Failure("Failed to undefine domain '%s'".formatted(domain.name()), e);
            }
            session.call(Domains.UNDEFINE, new DomainArg(domain));
        }
        session.say("Domain '%s' has been undefined\n".formatted(domain.name()));
        volumes.remove(session, call.has("wipe-storage"));
    }
}
