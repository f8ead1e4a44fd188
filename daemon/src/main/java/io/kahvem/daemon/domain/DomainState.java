package io.kahvem.daemon.domain;

/// How a machine is, and why (virDomainState and the reasons of each).
public enum DomainState {
    RUNNING_BOOTED(1, 1), RUNNING_RESTORED(1, 3), RUNNING_FROM_SNAPSHOT(1, 4), RUNNING_UNPAUSED(1, 5),
    PAUSED_USER(3, 1), PAUSED_STARTING_UP(3, 11), PAUSED_UNKNOWN(3, 0),
    SHUTDOWN_USER(4, 1),
    SHUTOFF_UNKNOWN(5, 0), SHUTOFF_SHUTDOWN(5, 1), SHUTOFF_DESTROYED(5, 2), SHUTOFF_CRASHED(5, 3), SHUTOFF_SAVED(5, 5), SHUTOFF_FAILED(5,
    6);

    static final int RUNNING = 1;
    static final int PAUSED = 3;
    static final int SHUTOFF = 5;

    private final int state;
    private final int reason;

    DomainState(int state, int reason) {
        this.state = state;
        this.reason = reason;
    }

    public int state() {
        return state;
    }

    public int reason() {
        return reason;
    }

    boolean isRunning() {
        return state == RUNNING;
    }

    boolean isPaused() {
        return state == PAUSED;
    }
}
