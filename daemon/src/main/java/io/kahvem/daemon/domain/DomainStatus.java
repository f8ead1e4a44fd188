package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;

/// What the next daemon must know of a machine that runs (libvirt's domstatus): its process, its number, what it is and was started as.
///
/// @param startsOver whether it is to start over where its guest switches it off
/// @param autoDestroy whether it was to end with its client's connection, which has ended with the daemon
record DomainStatus(
        int id, long pid, long startTicks, DomainState state, boolean startsOver, boolean autoDestroy, DomainDefinition started,
        DomainDefinition live) {

    /// Of a machine whose process is about to be started, and has no number yet.
    static DomainStatus starting(int id, DomainDefinition started, DomainDefinition live) {
        return new DomainStatus(id, 0, 0, DomainState.PAUSED_STARTING_UP, false, false, started, live);
    }

    boolean isStarting() {
        return pid == 0;
    }

    String print() {
        Element root = new Element("domstatus").with("id", id).with("pid", pid).with("start", startTicks).with("state", state.name())
                .with("startsover", startsOver ? "yes" : "no").with("autodestroy", autoDestroy ? "yes" : "no");
        root.add(new Element("started").add(started.tree())).add(new Element("live").add(live.tree()));
        return root.toString();
    }

    static DomainStatus parse(String document) {
        Element root = Xml.parse("domain_status", document);
        return new DomainStatus(Integer.parseInt(root.attribute("id", "")), Long.parseLong(root.attribute("pid", "")),
                Long.parseLong(root.attribute("start", "")), DomainState.valueOf(root.attribute("state", "")),
                root.hasAttribute("startsover", "yes"), root.hasAttribute("autodestroy", "yes"), definition(root, "started"),
                definition(root, "live"));
    }

    private static DomainDefinition definition(Element root, String name) {
        Element domain = root.at(name + "/domain");
        if (domain == null) throw new IllegalArgumentException("no <%s> with a domain in it".formatted(name));
        return DomainDefinition.ofCanonical(domain);
    }
}
