package io.kahvem.cli.virsh;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.Attributes;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;

/// Descriptions, as far as verbs look into them.
final class Xml {
    private Xml() {}

    private static final String ORDER = "io.kahvem.attributes";

    /// The root element. Throws [Failure] for what is no XML; what is declared outside the text is not fetched.
    static Element parse(String text) {
        try {
            SAXParserFactory factory = SAXParserFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            Builder builder = new Builder(DocumentBuilderFactory.newInstance().newDocumentBuilder().newDocument());
            factory.newSAXParser().parse(new InputSource(new StringReader(text)), builder);
            return builder.document.getDocumentElement();
        } catch (ParserConfigurationException e) {
            throw new AssertionError("every JDK has these features", e);
        } catch (SAXException | IOException e) {
            throw new Failure("XML document failed to parse: " + e.getMessage());
        }
    }

    /// Makes the tree; of each element it keeps the order of its attributes, which the JDK's trees forget.
    private static final class Builder extends DefaultHandler {
        private final Document document;
        private Node at;

        Builder(Document document) {
            this.document = document;
            this.at = document;
        }

        @Override
        public void startElement(String uri, String localName, String name, Attributes attributes) {
            Element element = document.createElement(name);
            List<String> order = new ArrayList<>();
            for (int n = 0; n < attributes.getLength(); n++) {
                element.setAttribute(attributes.getQName(n), attributes.getValue(n));
                order.add(attributes.getQName(n));
            }
            element.setUserData(ORDER, order, null);
            at.appendChild(element);
            at = element;
        }

        @Override
        public void endElement(String uri, String localName, String name) {
            at = at.getParentNode();
        }

        @Override
        public void characters(char[] text, int start, int length) {
            at.appendChild(document.createTextNode(new String(text, start, length)));
        }

        @Override
        public void error(SAXParseException e) {}

        @Override
        public void fatalError(SAXParseException e) throws SAXException {
            throw e;
        }
    }

    /// The elements below `from` by a path of names, such as `devices/disk`.
    static List<Element> elements(Element from, String path) {
        List<Element> found = List.of(from);
        for (String name : path.split("/")) {
            List<Element> next = new ArrayList<>();
            for (Element each : found) {
                for (Node child = each.getFirstChild(); child != null; child = child.getNextSibling()) {
                    if (child instanceof Element element && element.getTagName().equals(name)) next.add(element);
                }
            }
            found = next;
        }
        return found;
    }

    static Optional<Element> element(Element from, String path) {
        return elements(from, path).stream().findFirst();
    }

    static Optional<String> text(Element from, String path) {
        return element(from, path).map(Element::getTextContent);
    }

    static Optional<String> attribute(Element element, String name) {
        return element.hasAttribute(name) ? Optional.of(element.getAttribute(name)) : Optional.empty();
    }

    /// An attribute by the path of its element.
    static Optional<String> attribute(Element from, String path, String name) {
        return element(from, path).flatMap(each -> attribute(each, name));
    }

    /// The nodes an XPath selects in a description, each as text.
    static List<String> select(String text, String xpath) {
        return nodes(text, xpath).stream().map(Xml::text).toList();
    }

    private static List<Node> nodes(String text, String xpath) {
        try {
            NodeList nodes = (NodeList) XPathFactory.newInstance().newXPath()
                    .evaluate(xpath, parse(text).getOwnerDocument(), XPathConstants.NODESET);
            List<Node> selected = new ArrayList<>();
            for (int n = 0; n < nodes.getLength(); n++) selected.add(nodes.item(n));
            return selected;
        } catch (XPathExpressionException e) {
            throw new Failure("failed to evaluate xpath '%s'".formatted(xpath));
        }
    }

    /// A node as text, with attributes in double quotes.
    static String text(Node node) {
        StringBuilder text = new StringBuilder();
        print(node, text);
        return text.toString();
    }

    private static void print(Node node, StringBuilder text) {
        switch (node.getNodeType()) {
            case Node.ELEMENT_NODE -> {
                text.append('<').append(node.getNodeName());
                for (Node attribute : attributes((Element) node)) {
                    text.append(' ');
                    print(attribute, text);
                }
                if (!node.hasChildNodes()) {
                    text.append("/>");
                    return;
                }
                text.append('>');
                for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) print(child, text);
                text.append("</").append(node.getNodeName()).append('>');
            }
            case Node.ATTRIBUTE_NODE ->
                text.append(node.getNodeName()).append("=\"").append(escape(node.getNodeValue())).append('"');
            case Node.TEXT_NODE, Node.CDATA_SECTION_NODE -> text.append(escape(node.getNodeValue()));
            case Node.COMMENT_NODE -> text.append("<!--").append(node.getNodeValue()).append("-->");
            default -> { }
        }
    }

    /// As the text had them, then those that were added.
    private static List<Node> attributes(Element element) {
        NamedNodeMap map = element.getAttributes();
        List<Node> attributes = new ArrayList<>();
        List<?> order = element.getUserData(ORDER) instanceof List<?> list ? list : List.of();
        for (Object name : order) {
            Node attribute = map.getNamedItem(name.toString());
            if (attribute != null) attributes.add(attribute);
        }
        for (int n = 0; n < map.getLength(); n++) {
            if (!order.contains(map.item(n).getNodeName())) attributes.add(map.item(n));
        }
        return attributes;
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;").replace("'", "&apos;");
    }

    /// Prints a description, or what `--xpath` selects of it, in one element with `--wrap`.
    static void print(Call call, String description) {
        Optional<String> xpath = call.text("xpath");
        if (xpath.isEmpty()) {
            call.session().print(description);
            return;
        }
        if (call.has("wrap")) {
            call.session().print(wrap(nodes(description, xpath.get())));
        } else {
            for (String each : select(description, xpath.get())) call.session().print(each + "\n");
        }
    }

    /// Attributes become the element's own, the last of a name; the rest stands in it.
    private static String wrap(List<Node> nodes) {
        Map<String, String> attributes = new LinkedHashMap<>();
        StringBuilder children = new StringBuilder();
        for (Node each : nodes) {
            if (each.getNodeType() == Node.ATTRIBUTE_NODE) {
                attributes.put(each.getNodeName(), text(each));
            } else {
                children.append("  ").append(text(each)).append('\n');
            }
        }
        StringBuilder element = new StringBuilder("<nodes");
        attributes.values().forEach(attribute -> element.append(' ').append(attribute));
        return children.isEmpty() ? element + "/>\n" : element + ">\n" + children + "</nodes>\n";
    }

    /// Puts an element before the first one called `name`, on a line of its own.
    static void insertBefore(Element parent, Element inserted, String name) {
        Node before = element(parent, name).orElse(null);
        Node space = before == null ? null : before.getPreviousSibling();
        parent.insertBefore(inserted, before);
        if (space != null && space.getNodeType() == Node.TEXT_NODE) parent.insertBefore(space.cloneNode(false), before);
    }
}
