package io.kahvem.cli.virsh;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Procedure;
import java.util.function.Function;

/// Options that many verbs have, and what many do.
final class Rows {
    static final String DOMAIN = "<domain> The machine: its name, number or UUID.";
    static final String FILE = "<file> The file with its description.";
    static final String CONFIG = "--config Change what it will start as.";
    static final String LIVE = "--live Change what runs.";
    static final String CURRENT = "--current Change what it is now: what runs, if it does.";
    static final String PERSISTENT = "--persistent Change what it will start as, and what runs.";
    static final String XPATH = "--xpath=text Print only what this XPath selects.";
    static final String WRAP = "--wrap Put what is selected into one element.";
    static final String POOL = "<pool> The pool: its name or UUID.";
    static final String VOLUME = "<vol> The volume: its name, key or path.";
    static final String IN_POOL = "[pool] The pool it is in.";
    static final String LOOP = "--loop Go on after the first one.";
    static final String TIMEOUT = "[timeout:number] Give up after so many seconds.";
    static final String LIST_EVENTS = "--list Print what kinds there are.";
    static final String TIMESTAMP = "--timestamp Say when each came.";

    private Rows() {}

    /// A call that is ready to be made.
    record Row<A extends Record, R extends Record>(Procedure<A, R> procedure, A arguments) {
        void call(Session session) {
            session.call(procedure, arguments);
        }
    }

    /// One step of a machine's life: "Failed to WHAT domain", or what is said where it is done.
    static void life(Call call, String what, String done, Function<DomainRef, Row<?, ?>> row) {
        DomainRef domain = Lookup.domain(call);
        try {
            row.apply(domain).call(call.session());
        } catch (LibvirtException e) {
            throw new Failure("Failed to %s domain '%s'".formatted(what, domain.name()), e);
        }
        call.session().say(done.formatted(domain.name()));
    }
}
