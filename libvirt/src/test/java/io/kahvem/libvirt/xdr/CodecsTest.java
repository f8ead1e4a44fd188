package io.kahvem.libvirt.xdr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.MaybeText;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Connections.NodeInfo;
import io.kahvem.libvirt.protocol.Domains.DomainInfo;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class CodecsTest {
    private static final HexFormat HEX = HexFormat.of();

    private static <T> byte[] encoded(Class<T> type, T value) {
        XdrWriter out = new XdrWriter();
        Codecs.of(type).write(out, value);
        return out.toBytes();
    }

    private static <T> T decoded(Class<T> type, String hex) {
        return Codecs.of(type).read(new XdrReader(HEX.parseHex(hex.replace(" ", ""))));
    }

    private static <T> void isTheSameAfterATripOverTheWire(Class<T> type, T value) {
        assertThat(Codecs.of(type).read(new XdrReader(encoded(type, value)))).isEqualTo(value);
    }

    @Test
    void aStringHasItsLengthAndIsPaddedToFour() {
        assertThat(HEX.formatHex(encoded(Text.class, new Text("abcde")))).isEqualTo("000000056162636465000000");
    }

    @Test
    void aUuidIsItsSixteenOctetsWithoutALength() {
        UUID uuid = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
        assertThat(HEX.formatHex(encoded(DomainRef.class, new DomainRef("a", uuid, -1))))
                .isEqualTo("00000001" + "61000000" + "00112233445566778899aabbccddeeff" + "ffffffff");
    }

    @Test
    void charsAreFourOctetsEach() {
        byte[] model = new byte[32];
        System.arraycopy("x86_64".getBytes(StandardCharsets.US_ASCII), 0, model, 0, 6);
        byte[] wire = encoded(NodeInfo.class, new NodeInfo(model, 1, 2, 3, 4, 5, 6, 7));
        assertThat(wire).hasSize(128 + 8 + 6 * 4);
        assertThat(wire[3]).isEqualTo((byte) 'x');
    }

    @Test
    void aRecordThatComesOftenIsTheSame() {
        DomainRef ref = new DomainRef("a", UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"), -1);
        for (int n = 0; n < 1000; n++) isTheSameAfterATripOverTheWire(DomainRef.class, ref);
    }

    @Test
    void shortIntegersAreFourOctets() {
        assertThat(encoded(DomainInfo.class, new DomainInfo(1, 2, 3, 4, 5))).hasSize(32);
    }

    @Test
    void anyFlagButZeroSaysThatOptionalDataIsThere() {
        assertThat(decoded(MaybeText.class, "01000000 00000001 61000000").text()).contains("a");
        assertThat(decoded(MaybeText.class, "00000100 00000001 61000000").text()).contains("a");
        assertThat(decoded(MaybeText.class, "00000000").text()).isEmpty();
    }

    @Test
    void aUnionIsItsArmsNumberAndWhatTheArmHas() {
        assertThat(HEX.formatHex(encoded(TypedParameter.class, TypedParameter.ofULong("n", -1))))
                .isEqualTo("00000001" + "6e000000" + "00000004" + "ffffffffffffffff");
        for (TypedParameter each : List.of(TypedParameter.ofInt("a", -1), TypedParameter.ofUInt("b", 2), TypedParameter.ofLong("c", -3),
                TypedParameter.ofBool("d", true), TypedParameter.ofText("e", "ü"),
                new TypedParameter("f", new TypedParameter.Double(0.5)))) {
            isTheSameAfterATripOverTheWire(TypedParameter.class, each);
        }
    }

    @Test
    void aUnionWithAnArmThatIsNoneIsRefused() {
        assertThatThrownBy(() -> decoded(TypedParameter.class, "00000001 6e000000 00000009 00000000")).isInstanceOf(XdrException.class);
    }

    @Test
    void lengthsBeyondTheLimitOrTheMessageAreRefusedBeforeAnythingIsAllocated() {
        assertThatThrownBy(() -> decoded(Text.class, "ffffffff")).isInstanceOf(XdrException.class);
        assertThatThrownBy(() -> decoded(Text.class, "00400001")).isInstanceOf(XdrException.class).hasMessageContaining("at most 4194304");
        assertThatThrownBy(() -> decoded(Text.class, "00400000 61")).isInstanceOf(XdrException.class);
        assertThatThrownBy(() -> decoded(io.kahvem.libvirt.protocol.Common.Texts.class,
                "00004000 00000000")).isInstanceOf(XdrException.class);
        assertThatThrownBy(() -> decoded(Text.class, "0000")).isInstanceOf(XdrException.class);
    }

    @Test
    void whatFollowsAMessageIsLeftAlone() {
        assertThat(decoded(MaybeText.class, "00000000 deadbeef").text()).isEqualTo(Optional.empty());
    }
}
