package io.kahvem.kvm;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Looks after vCPUs whose KVM_RUN does not return: a KVM without hardware virtualization spins in the kernel for ever on some
/// instructions, until a signal. Each second it kicks those that have been in the same call since it last looked; what to make of it is
/// theirs ([Stuck]). A thread of its own, which ends with the VM.
final class Watchdog implements AutoCloseable {
    private static final long PERIOD_SECONDS = 1;

    private final List<KvmVcpu> vcpus;
    private final CountDownLatch ended = new CountDownLatch(1);

    private Watchdog(List<KvmVcpu> vcpus) {
        this.vcpus = vcpus;
    }

    static Watchdog start(List<KvmVcpu> vcpus) {
        Watchdog watchdog = new Watchdog(vcpus);
        Thread.ofPlatform().daemon().name("kvm-watchdog").start(watchdog::watch);
        return watchdog;
    }

    private void watch() {
        try {
            while (!ended.await(PERIOD_SECONDS, TimeUnit.SECONDS)) vcpus.forEach(KvmVcpu::kickIfStill);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        ended.countDown();
    }
}
