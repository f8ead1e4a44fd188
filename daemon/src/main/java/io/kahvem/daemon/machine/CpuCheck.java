package io.kahvem.daemon.machine;

import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.node.CpuComparison;
import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/// Whether a machine's processor, which is all that its engine can do, is the one its description wants (`<cpu check='...'>`): with
/// `partial` it has what is wanted, with `full` nothing beside that.
///
/// @param features what the engine of a domain's type can do
public record CpuCheck(Function<String, Set<String>> features) {
    /// Throws [LibvirtException] where it is not.
    void require(DomainDefinition definition) {
        Element cpu = definition.cpu();
        String check = cpu.attribute("check", "none");
        if (check.equals("none") || !cpu.hasAttribute("mode", "custom")) return;
        Set<String> has = features.apply(definition.type());
        CpuComparison.requireAll(has, cpu.toString());
        if (!check.equals("full")) return;
        Set<String> extra = new TreeSet<>(has);
        extra.removeAll(CpuComparison.wanted(cpu.toString()));
        if (extra.isEmpty()) return;
        throw LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.CPU,
                "guest CPU doesn't match specification: extra features: " + String.join(",", extra));
    }
}
