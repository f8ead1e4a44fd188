package io.kahvem.daemon.machine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.domain.MachineTypes;
import io.kahvem.daemon.node.CpuComparison;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class CpuCheckTest {
    private static final Set<String> NEHALEM = CpuComparison.wanted("<cpu><model>Nehalem</model></cpu>");

    private static void check(String check, String model, Set<String> has) {
        String document = "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os>"
                + "<cpu check='%s'><model>%s</model></cpu></domain>".formatted(check, model);
        MachineTypes types = new MachineTypes(Path.of("/usr/bin/kahvem"), () -> false, 4, Path.of("/nvram"));
        new CpuCheck(type -> has).require(DomainDefinition.parse(document, false, types));
    }

    @Test
    void aPartialCheckWantsWhatTheModelHas() {
        assertThatCode(() -> check("partial", "Conroe", NEHALEM)).doesNotThrowAnyException();
        assertThatThrownBy(() -> check("partial", "Westmere", NEHALEM))
                .hasMessage("the CPU is incompatible with host CPU: Host CPU does not provide required features: aes");
        assertThatCode(() -> check("none", "Westmere", NEHALEM)).doesNotThrowAnyException();
    }

    @Test
    void aFullCheckWantsNothingElse() {
        Set<String> more = new TreeSet<>(NEHALEM);
        more.add("aes");
        assertThatCode(() -> check("full", "Nehalem", NEHALEM)).doesNotThrowAnyException();
        assertThatThrownBy(() -> check("full", "Nehalem", more))
                .hasMessage("operation failed: guest CPU doesn't match specification: extra features: aes");
    }
}
