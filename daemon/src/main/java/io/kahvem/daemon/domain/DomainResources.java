package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.BitSet;
import java.util.function.Consumer;

/// How much of processors and memory a machine has, and changing it.
public final class DomainResources {
    /// Of both virDomainVcpuFlags and virDomainMemoryModFlags.
    private static final int MAXIMUM = 4;

    private final DomainRegistry registry;

    public DomainResources(DomainRegistry registry) {
        this.registry = registry;
    }

    private static DomainDefinition of(Domain domain, Affect affect) {
        DomainDefinition config = domain.config();
        return affect.config() && config != null ? config : domain.definition();
    }

    public int vcpus(Domain domain, int flags) {
        Affect affect = Affect.of(domain, flags);
        if (affect.live() && affect.config()) {
            throw Errors.argument("flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
        }
        DomainDefinition definition = of(domain, affect);
        return (flags & MAXIMUM) != 0 ? definition.maxVcpus() : definition.currentVcpus();
    }

    public void setVcpus(Domain domain, int count, int flags) {
        domain.change("virDomainSetVcpusFlags", () -> {
            Affect affect = Affect.of(domain, flags);
            if (count < 1) throw Errors.argument("vcpu count must be positive, not %d", count);
            if ((flags & MAXIMUM) != 0) {
                if (affect.live()) throw Errors.invalid("maximum vcpu count of a live domain can't be modified");
                configure(domain, tree -> {
                    Element vcpu = tree.childOrNew("vcpu");
                    vcpu.text(String.valueOf(count));
                    if (Integer.parseInt(vcpu.attribute("current", "0")) > count) vcpu.attributes().remove("current");
                });
                return;
            }
            int maximum = of(domain, affect).maxVcpus();
            if (count > maximum) {
                throw Errors.argument("requested vcpus is greater than max allowable vcpus for the %s domain: %d > %d",
                        affect.live() ? "live" : "persistent", count, maximum);
            }
            if (affect.live() && count != domain.definition().currentVcpus()) {
                throw LibvirtException.of(ErrorCode.OPERATION_UNSUPPORTED, ErrorDomain.QEMU,
                        "cpu hotplug is not supported by this machine");
            }
            if (affect.config()) configure(domain, tree -> tree.childOrNew("vcpu").with("current", count));
        });
    }

    /// Gives the guest single processors, or takes them from it. A description here says how many of the first it has, so that is what can
    /// be changed.
    public void setVcpu(Domain domain, BitSet vcpus, boolean enable, int flags) {
        domain.change("virDomainSetVcpu", () -> {
            Affect affect = Affect.of(domain, flags);
            if (vcpus.get(0)) throw Errors.argument("vCPU '0' can't be modified");
            DomainDefinition definition = of(domain, affect);
            vcpus.stream().filter(vcpu -> vcpu >= definition.maxVcpus()).findFirst().ifPresent(vcpu -> {
                throw Errors.argument("vcpu %d is not present in %s config", vcpu, affect.live() ? "live" : "persistent");
            });
            BitSet enabled = new BitSet();
            enabled.set(0, definition.currentVcpus());
            if (enable) enabled.or(vcpus);
            else enabled.andNot(vcpus);
            int count = enabled.cardinality();
            if (enabled.length() != count) {
                throw Errors.unsupported("vcpu %d can only be enabled together with those before it", enabled.length() - 1);
            }
            setVcpus(domain, count, flags);
        });
    }

    /// The maximum, or what the balloon leaves the guest, in KiB.
    public void setMemory(Domain domain, long kib, int flags) {
        domain.change("virDomainSetMemoryFlags", () -> {
            Affect affect = Affect.of(domain, flags);
            if (kib <= 0) throw Errors.argument("memory must be positive, not %d", kib);
            if ((flags & MAXIMUM) != 0) {
                if (affect.live()) throw Errors.invalid("cannot resize the maximum memory on an active domain");
                configure(domain, tree -> {
                    tree.childOrNew("memory").text(String.valueOf(kib)).with("unit", "KiB");
                    Element current = tree.childOrNew("currentMemory");
                    if (Long.parseLong(current.text()) > kib) current.text(String.valueOf(kib)).with("unit", "KiB");
                });
                return;
            }
            if (kib > of(domain, affect).memoryKib()) throw Errors.argument("cannot set memory higher than max memory");
            Consumer<Element> change = tree -> tree.childOrNew("currentMemory").text(String.valueOf(kib)).with("unit", "KiB");
            if (affect.live()) {
                domain.requireRunning().process().balloon(kib);
                registry.editLive(domain, change);
            }
            if (affect.config()) configure(domain, change);
        });
    }

    private void configure(Domain domain, Consumer<Element> change) {
        DomainDefinition config = domain.config();
        if (config == null) throw Errors.invalid("transient domains do not have any persistent config");
        registry.redefine(domain, config.edited(registry.types(), change));
    }
}
