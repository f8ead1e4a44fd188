package io.kahvem.daemon.domain;

import io.kahvem.host.CpuAffinity;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.BitSet;
import java.util.List;

/// On which of the host's processors a machine's vCPUs may run. The kernel keeps it; it ends with the machine.
public final class DomainPins {
    private DomainPins() {}

    public static void set(Domain domain, int vcpu, BitSet cpus) {
        domain.change("virDomainPinVcpu", () -> {
            List<Long> threads = domain.vcpuThreads();
            if (vcpu < 0 || vcpu >= threads.size()) {
                throw Errors.argument("vcpu %d is out of range of live cpu count %d", vcpu, threads.size());
            }
            if (cpus.isEmpty()) throw Errors.argument("Empty cpu list for pinning");
            try {
                CpuAffinity.set(threads.get(vcpu), cpus);
            } catch (HostException e) {
                throw LibvirtException.of(ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, String.valueOf(e.getMessage()));
            }
        });
    }

    /// Where a thread may run; nowhere, where it is gone.
    public static BitSet ofThread(long thread) {
        try {
            return CpuAffinity.of(thread);
        } catch (HostException gone) {
            return new BitSet();
        }
    }
}
