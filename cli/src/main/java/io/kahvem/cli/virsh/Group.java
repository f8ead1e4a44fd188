package io.kahvem.cli.virsh;

/// What a verb is about, with virsh's keyword for its help.
enum Group {
    DOMAIN("Machines", "domain"),
    MONITOR("Watching machines", "monitor"),
    EVENTS("Events of machines", "events"),
    HOST("The host", "host"),
    INTERFACE("The host's network interfaces", "interface"),
    NODEDEV("The host's devices", "nodedev"),
    SECRET("Secrets", "secret"),
    POOL("Storage pools", "pool"),
    VOLUME("Volumes", "volume"),
    SHELL("The shell", "virsh");

    private final String title;
    private final String keyword;

    Group(String title, String keyword) {
        this.title = title;
        this.keyword = keyword;
    }

    String title() {
        return title;
    }

    String keyword() {
        return keyword;
    }
}
