package io.kahvem.daemon.xml;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.io.StringReader;
import java.util.MissingResourceException;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/// Reads documents into trees. No document type, no entities of its own, nothing from elsewhere.
public final class Xml {
    /// Elements within elements; no description of libvirt's comes near.
    private static final int DEPTH = 256;

    private Xml() {}

    /// The tree of a document; blanks between elements and comments are dropped. `what` names the document in messages:
    /// `domain_definition`. Throws [LibvirtException] for one that is no XML.
    public static Element parse(String what, String document) {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.IS_NAMESPACE_AWARE, false);
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLInputFactory.IS_COALESCING, true);
        try {
            XMLStreamReader reader = factory.createXMLStreamReader(new StringReader(document));
            while (reader.next() != XMLStreamConstants.START_ELEMENT) {
                if (reader.getEventType() == XMLStreamConstants.DTD) throw refused(what, reader, "a document type is not allowed");
            }
            Element root = element(what, reader, 0);
            while (reader.hasNext()) reader.next();
            return root;
        } catch (XMLStreamException e) {
            int line = e.getLocation() == null ? 1 : e.getLocation().getLineNumber();
            String reason = String.valueOf(e.getMessage()).replaceFirst("(?s)^ParseError at \\[row,col\\]:\\[\\d+,\\d+\\]\\s*Message: ",
                    "");
            throw LibvirtException.of(ErrorCode.XML_DETAIL, ErrorDomain.XML, "(%s):%d: parser error: %s".formatted(what, line, reason));
        } catch (MissingResourceException e) {
            // The JDK has no words for some mistakes in document types, and fails over that.
            throw LibvirtException.of(ErrorCode.XML_DETAIL, ErrorDomain.XML, "(%s):1: parser error: %s".formatted(what, e.getKey()));
        }
    }

    private static Element element(String what, XMLStreamReader reader, int depth) throws XMLStreamException {
        if (depth > DEPTH) throw refused(what, reader, "elements are nested more than %d deep".formatted(DEPTH));
        Element element = new Element(reader.getLocalName());
        for (int n = 0; n < reader.getAttributeCount(); n++) {
            String prefix = reader.getAttributePrefix(n);
            String name = reader.getAttributeLocalName(n);
            element.with(prefix == null || prefix.isEmpty() ? name : prefix + ":" + name, reader.getAttributeValue(n));
        }
        boolean hasText = false;
        while (true) {
            switch (reader.next()) {
                case XMLStreamConstants.START_ELEMENT -> element.add(element(what, reader, depth + 1));
                case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA -> {
                    hasText |= !reader.getText().isBlank();
                    element.content().add(new Node.Text(reader.getText()));
                }
                case XMLStreamConstants.END_ELEMENT -> {
                    if (!hasText) element.content().removeIf(node -> node instanceof Node.Text);
                    return element;
                }
                default -> {} // comments and processing instructions say nothing to a machine
            }
        }
    }

    private static LibvirtException refused(String what, XMLStreamReader reader, String reason) {
        int line = reader.getLocation().getLineNumber();
        return LibvirtException.of(ErrorCode.XML_DETAIL, ErrorDomain.XML, "(%s):%d: parser error: %s".formatted(what, line, reason));
    }
}
