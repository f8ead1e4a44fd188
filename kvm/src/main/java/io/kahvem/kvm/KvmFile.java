package io.kahvem.kvm;

import io.kahvem.host.Descriptor;
import io.kahvem.host.Errno;
import io.kahvem.host.Ioctl;
import io.kahvem.hypervisor.HypervisorException;
import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Request;

/// A descriptor of KVM (the device, a VM or a vCPU) and its requests. Any thread: requests of one object take turns, and after
/// [#close] all of them fail with EBADF, so that none can reach a later descriptor of the same number.
final class KvmFile implements AutoCloseable {
    private static final int EBADF = 9;

    private final Descriptor descriptor;
    private final Ioctl ioctl = new Ioctl();
    private boolean closed;

    KvmFile(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    Descriptor descriptor() {
        return descriptor;
    }

    /// The request's result, or -errno.
    synchronized int attempt(Request request, long argument) {
        return closed ? -EBADF : ioctl.call(descriptor.number(), request.number, argument);
    }

    /// The request's result; `trying` completes "cannot ...".
    int request(Request request, long argument, String trying) {
        int result = attempt(request, argument);
        if (result < 0) throw refused(request, result, trying);
        return result;
    }

    static HypervisorException refused(Request request, int result, String trying) {
        return new HypervisorException("cannot %s: %s: %s".formatted(trying, request, new Errno(-result)));
    }

    /// 0 where the kernel has it not, else what the capability's number means.
    int check(Capability capability) {
        return Math.max(0, attempt(Request.KVM_CHECK_EXTENSION, capability.number));
    }

    boolean has(Capability capability) {
        return check(capability) > 0;
    }

    @Override
    public synchronized void close() {
        closed = true;
        descriptor.close();
    }
}
