package io.kahvem.cli.virsh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParserTest {
    private static Map<String, List<String>> values(String... words) {
        return Parser.words(List.of(words)).values();
    }

    @Test
    void valuesStandInTheirPlacesOrBehindTheirNames() {
        assertThat(values("vol-create-as", "pool", "--format", "qcow2", "disk", "1G"))
                .isEqualTo(Map.of("pool", List.of("pool"), "name", List.of("disk"), "capacity", List.of("1G"), "format", List.of("qcow2")));
        assertThat(values("start", "--domain=a", "--paused")).isEqualTo(Map.of("domain", List.of("a"), "paused", List.of()));
        assertThat(values("desc", "a", "two", "words")).containsEntry("new-desc", List.of("two", "words"));
        assertThat(values("domname", "--", "--help")).containsEntry("domain", List.of("--help"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "nosuch | unknown command: 'nosuch'",
        "start | command 'start' requires <domain> option",
        "start --nosuch | command 'start' doesn't support option --nosuch",
        "start --domain | expected syntax: --domain <string>",
        "list --all --all | option --all already seen",
        "list --all=1 | invalid '=' after option --all",
        "domname a b | unexpected data 'b'",
    })
    void whatIsWrongIsSaidInVirshsWords(String line, String message) {
        assertThatThrownBy(() -> Parser.text(line)).isInstanceOf(Failure.class).hasMessage(message);
    }

    @Test
    void aTextHoldsSeveralCommands() {
        assertThat(Parser.split("list --all; dominfo 'a b' # what is it\n echo \"say \\\"x\\\"\" y\\ z;;"))
                .containsExactly(List.of("list", "--all"), List.of("dominfo", "a b"), List.of("echo", "say \"x\"", "y z"));
    }

    @Test
    void helpOfAVerbIsAskedForInTwoWays() {
        assertThat(Parser.words(List.of("start", "--help"))).isEqualTo(Parser.words(List.of("help", "start")));
    }

    /// The table: no verb twice, no option twice, and what must be there before what may be.
    @Test
    void theTableIsWellFormed() {
        Set<String> names = new HashSet<>();
        for (Verb verb : Verbs.all().toList()) {
            assertThat(names.add(verb.name())).as("verb " + verb.name()).isTrue();
            Set<String> options = new HashSet<>();
            boolean optional = false;
            for (Opt option : verb.options()) {
                assertThat(options.add(option.name())).as(verb.name() + " " + option.name()).isTrue();
                assertThat(option.required() && optional && option.kind() != Opt.Kind.REST).as(verb.name() + " " + option.name()).isFalse();
                optional |= option.placed() && !option.required();
            }
            assertThat(Help.text(verb)).contains(verb.summary());
        }
        assertThat(names).hasSizeGreaterThan(120);
    }
}
