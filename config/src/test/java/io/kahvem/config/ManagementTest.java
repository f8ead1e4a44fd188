package io.kahvem.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ManagementTest {
    @Test
    void aControlSocketIsGivenAsQemuTakesIt() {
        Path path = Path.of("/run/vm/qmp");
        assertThat(Management.parseSocket("unix:/run/vm/qmp")).isEqualTo(path);
        assertThat(Management.parseSocket("unix:/run/vm/qmp,server=on,wait=off")).isEqualTo(path);
        assertThat(Management.parseSocket("unix:/run/vm/qmp,server,nowait")).isEqualTo(path);
        for (String bad : List.of("", "unix:", "/run/vm/qmp", "tcp:localhost:1")) {
            assertThatThrownBy(() -> Management.parseSocket(bad)).isInstanceOf(ConfigException.class).hasMessageContaining("unix:PATH");
        }
    }

    @Test
    void aMachineThatNobodyCouldStartIsRefused() {
        assertThatThrownBy(() -> new Management(Optional.empty(), Optional.empty(), List.of(), true, false))
                .isInstanceOf(ConfigException.class).hasMessageContaining("--qmp");
    }

    @Test
    void namesAndSocketsAreChecked() {
        Path path = Path.of("qmp");
        assertThatThrownBy(() -> new Management(Optional.of("a\nb"), Optional.empty(), List.of(), false, false))
                .isInstanceOf(ConfigException.class).hasMessageContaining("control character");
        assertThatThrownBy(() -> new Management(Optional.empty(), Optional.empty(), List.of(path, path), false, false))
                .isInstanceOf(ConfigException.class).hasMessageContaining("twice");
        assertThatThrownBy(() -> Management.parseUuid("1-2-3-4-5")).isInstanceOf(ConfigException.class);
    }

    @Test
    void actionsAreReadAndWritten() {
        assertThat(Actions.parse(Actions.DEFAULT.text())).isEqualTo(Actions.DEFAULT);
        assertThat(Actions.parse("panic=exit-failure,reboot=shutdown"))
                .isEqualTo(new Actions(true, ShutdownAction.POWEROFF, PanicAction.EXIT_FAILURE));
        assertThat(Actions.parse("shutdown=pause").text()).isEqualTo("reboot=reset,shutdown=pause,panic=none");
        for (String bad : List.of("", "panic", "panic=", "panic=run", "reboot=panic", "coffee=none")) {
            assertThatThrownBy(() -> Actions.parse(bad)).isInstanceOf(ConfigException.class);
        }
    }
}
