package io.kahvem.cli.virsh;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LinesTest {
    @Test
    void aTableIsAsWideAsItsCells() {
        Table table = new Table("Id", "Name", "State");
        table.row("-", "a-long-name", "shut off");
        assertThat(table.text(true)).isEqualTo("""
                 Id   Name          State
                ------------------------------
                 -    a-long-name   shut off
                """);
        assertThat(table.text(false)).isEqualTo(" -   a-long-name   shut off\n");
    }

    @Test
    void sizesHaveBinaryUnits() {
        assertThat(Lines.size(0)).isEqualTo("0.00 B");
        assertThat(Lines.size(256L << 20)).isEqualTo("256.00 MiB");
        assertThat(Lines.size(3L << 39)).isEqualTo("1.50 TiB");
    }

    @Test
    void processorsAreRanges() {
        byte[] map = Lines.map("0-3,^2,8", 10);
        assertThat(Lines.ranges(map, 10)).isEqualTo("0-1,3,8");
        assertThat(Lines.letters(map, 10)).isEqualTo("yy-y----y-");
        assertThat(Lines.ranges(Lines.map("r", 10), 10)).isEqualTo("0-9");
        assertThatThrownBy(() -> Lines.map("3-1", 10)).hasMessage("cpulist: Invalid format.");
    }

    @Test
    void aConsolesLinesEndOnceWhateverThePieces() {
        ConsoleVerb.LineEnds ends = new ConsoleVerb.LineEnds();
        StringBuilder printed = new StringBuilder();
        for (String piece : new String[] {"a\r", "\nb\r\r\n", "c\rd\n"}) {
            printed.append(new String(ends.print(piece.getBytes(US_ASCII)), US_ASCII));
        }
        assertThat(printed).hasToString("a\nb\r\nc\rd\n");
    }

    @Test
    void selectedElementsKeepTheirAttributesOrder() {
        String xml = "<d><t z='1' a='&lt;'>x &amp; y</t><t/></d>";
        assertThat(Xml.select(xml, "//t")).containsExactly("<t z=\"1\" a=\"&lt;\">x &amp; y</t>", "<t/>");
        assertThat(Xml.select(xml, "//t/@z")).containsExactly("z=\"1\"");
    }
}
