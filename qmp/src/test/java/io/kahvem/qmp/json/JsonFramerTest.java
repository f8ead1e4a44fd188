package io.kahvem.qmp.json;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.qmp.QmpException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class JsonFramerTest {
    private final List<String> found = new ArrayList<>();
    private final JsonFramer framer = new JsonFramer(new JsonFramer.Sink() {
        @Override
        public void value(byte[] text) {
            found.add(new String(text, ISO_8859_1));
        }

        @Override
        public void error(QmpException error) {
            found.add("! " + error.description());
        }
    });

    private List<String> feed(String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        framer.feed(bytes, 0, bytes.length);
        return found;
    }

    @Test
    void valuesAreFoundWhereverTheyAreCut() {
        String stream = "{\"a\": [1, {\"b\": \"}\\\"]\"}]}\r\n  {'c': 'd\"e'}[]7 true\n\"s\"";
        List<String> whole = List.copyOf(feed(stream));
        assertThat(whole).containsExactly("{\"a\": [1, {\"b\": \"}\\\"]\"}]}", "{'c': 'd\"e'}", "[]", "7", "true", "\"s\"");
        found.clear();
        for (char c : stream.toCharArray()) feed(String.valueOf(c));
        assertThat(found).isEqualTo(whole);
    }

    @Test
    void anErrorIsToldOnceAndTheNextLineIsReadAgain() {
        assertThat(feed("{\"a\": % & * junk\n{\"b\": 1}")).containsExactly("! JSON parse error, stray '%'", "{\"b\": 1}");
        found.clear();
        assertThat(feed("{\"unfinished\n{\"c\": 1}")).containsExactly("! JSON parse error, stray '\\x0a'", "{\"c\": 1}");
    }

    @Test
    void aByteOf0xffStartsAnew() {
        assertThat(feed("{\"a\": [1,\u00ff{\"b\": 1}")).containsExactly("! JSON parse error, stray '\\xff'", "{\"b\": 1}");
    }

    @Test
    void strayBracketsAreValuesThatAreNone() {
        assertThat(feed("}],{}")).containsExactly("}", "]", ",", "{}");
    }

    @Test
    void nestingAndSizeAreBounded() {
        feed("[".repeat(JsonFramer.MAX_NESTING + 1) + "\n");
        assertThat(found).containsExactly("! JSON nesting depth limit exceeded");
        found.clear();
        feed("\"");
        String much = "x".repeat(1 << 20);
        for (int n = 0; n < 5; n++) feed(much);
        assertThat(found).containsExactly("! JSON token size limit exceeded");
        found.clear();
        assertThat(feed("\n{}")).containsExactly("{}");
    }
}
