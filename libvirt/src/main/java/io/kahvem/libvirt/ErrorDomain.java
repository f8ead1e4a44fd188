package io.kahvem.libvirt;

import java.util.Arrays;

/// Which part of a daemon an error comes from (virErrorDomain).
public enum ErrorDomain {
    NONE(0), XML(5), DOM(6), RPC(7), CONF(9), QEMU(10), NET(11), REMOTE(13), STORAGE(18), NETWORK(19), DOMAIN(20), NODEDEV(22),
    SECURITY(24),
    INTERFACE(26), SECRET(30), CPU(31), NWFILTER(33), DOMAIN_SNAPSHOT(35), SYSINFO(37), STREAMS(38), EVENT(40), CAPABILITIES(44), URI(45),
    AUTH(46), DEVICE(49), ACCESS(55), DOMAIN_CHECKPOINT(69);

    private final int number;

    ErrorDomain(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /// The domain of that number; [#NONE] for one this client does not know.
    public static ErrorDomain of(int number) {
        return Arrays.stream(values()).filter(each -> each.number == number).findFirst().orElse(NONE);
    }
}
