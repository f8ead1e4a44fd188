package io.kahvem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PlainOptionsTest {
    private final List<String> taken = new ArrayList<>();

    private boolean take(String... arguments) {
        return PlainOptions.take(List.of(arguments), Set.of("--disk"), flag -> flag.equals("--paused") && taken.add(flag),
                (name, value) -> Set.of("--memory", "--disk").contains(name) && taken.add(name + " " + value));
    }

    @Test
    void valuesStandBehindAnEqualsSignOrAsTheNextWord() {
        assertThat(take("--memory=16M", "--paused", "--disk", "a=b", "--disk=c")).isTrue();
        assertThat(taken).containsExactly("--memory 16M", "--paused", "--disk a=b", "--disk c");
    }

    @Test
    void whatMayMeanSomethingElseIsLeftToPicocli() {
        assertThat(take("--memory")).as("no value").isFalse();
        assertThat(take("--memory", "--paused")).as("an option for a value").isFalse();
        assertThat(take("--memory=1", "--memory=2")).as("twice").isFalse();
        assertThat(take("--help")).as("unknown").isFalse();
        assertThat(take("--paused=yes")).as("a flag with a value").isFalse();
        assertThat(take("word", "word")).as("no option").isFalse();
    }
}
