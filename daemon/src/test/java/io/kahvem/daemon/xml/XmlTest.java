package io.kahvem.daemon.xml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.libvirt.InvalidInputException;
import org.junit.jupiter.api.Test;

final class XmlTest {
    @Test
    void isPrintedAsLibvirtPrintsIt() {
        Element tree = Xml.parse("x", "<a b=\"1\" c='it&apos;s'><d/><!-- no --><e>x &lt; y</e></a>");
        assertThat(tree.toString()).isEqualTo("""
                <a b='1' c='it&apos;s'>
                  <d/>
                  <e>x &lt; y</e>
                </a>
                """);
    }

    @Test
    void namespacesAndMixedContentStayAsTheyWereWritten() {
        String text = "<m:note xmlns:m='http://x/'>see <m:b>this</m:b>, please</m:note>\n";
        assertThat(Xml.parse("x", text).toString()).isEqualTo(text);
    }

    @Test
    void whatIsNoXmlIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> Xml.parse("domain_definition", "<domain>\n<name>x</domain>"))
                .isInstanceOf(InvalidInputException.class).hasMessageStartingWith("(domain_definition):2: parser error: ");
        assertThatThrownBy(() -> Xml.parse("x", "")).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> Xml.parse("x", "<a/><b/>")).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void documentTypesAndEntitiesAreRefused() {
        assertThatThrownBy(() -> Xml.parse("x", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("document type");
        assertThatThrownBy(() -> Xml.parse("x", "<a>&b;</a>")).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void elementsNestedWithoutEndAreRefused() {
        assertThatThrownBy(() -> Xml.parse("x", "<a>".repeat(100_000))).isInstanceOf(InvalidInputException.class);
    }
}
