package io.kahvem.daemon.domain;

/// What happened to a machine, and in detail (virDomainEventType and the detail of each): the numbers of the lifecycle event.
public enum Lifecycle {
    DEFINED_ADDED(0, 0), DEFINED_UPDATED(0, 1), DEFINED_RENAMED(0, 2),
    UNDEFINED_REMOVED(1, 0), UNDEFINED_RENAMED(1, 1),
    STARTED_BOOTED(2, 0),
    SUSPENDED_PAUSED(3, 0),
    RESUMED_UNPAUSED(4, 0),
    STOPPED_SHUTDOWN(5, 0), STOPPED_DESTROYED(5, 1), STOPPED_CRASHED(5, 2), STOPPED_FAILED(5, 5),
    SHUTDOWN_FINISHED(6, 0), SHUTDOWN_GUEST(6, 1), SHUTDOWN_HOST(6, 2);

    private final int event;
    private final int detail;

    Lifecycle(int event, int detail) {
        this.event = event;
        this.detail = detail;
    }

    public int event() {
        return event;
    }

    public int detail() {
        return detail;
    }
}
