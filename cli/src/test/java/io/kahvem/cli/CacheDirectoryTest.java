package io.kahvem.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheDirectoryTest {
    @Test
    void isUnderXdgCacheHome() {
        assertThat(CacheDirectory.locate(Map.of("XDG_CACHE_HOME", "/x", "HOME", "/h"))).isEqualTo(Path.of("/x/kahvem"));
    }

    @Test
    void isUnderHomeWhereXdgNamesNoAbsolutePath() {
        assertThat(CacheDirectory.locate(Map.of("HOME", "/h"))).isEqualTo(Path.of("/h/.cache/kahvem"));
        assertThat(CacheDirectory.locate(Map.of("HOME", "/h", "XDG_CACHE_HOME", ""))).isEqualTo(Path.of("/h/.cache/kahvem"));
        assertThat(CacheDirectory.locate(Map.of("HOME", "/h", "XDG_CACHE_HOME", "relative"))).isEqualTo(Path.of("/h/.cache/kahvem"));
    }

    @Test
    void asksForAPlaceWhereThereIsNone() {
        assertThatThrownBy(() -> CacheDirectory.locate(Map.of())).isInstanceOf(CliException.class).hasMessageContaining("XDG_CACHE_HOME");
    }
}
