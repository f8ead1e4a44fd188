package io.kahvem.daemon.xml;

import java.util.Map;

/// The printed form of a tree.
final class XmlPrinter {
    private final StringBuilder out = new StringBuilder();

    private XmlPrinter() {}

    static String print(Element element) {
        XmlPrinter printer = new XmlPrinter();
        printer.element(element, 0);
        return printer.out.toString();
    }

    private void element(Element element, int depth) {
        out.repeat("  ", depth);
        tag(element);
        if (element.content().isEmpty()) {
            out.append("/>\n");
            return;
        }
        out.append('>');
        if (hasText(element)) {
            inline(element);
        } else {
            out.append('\n');
            for (Element child : element.children()) element(child, depth + 1);
            out.repeat("  ", depth);
        }
        out.append("</").append(element.name()).append(">\n");
    }

    /// Text, and elements between it, with no blanks of ours.
    private void inline(Element element) {
        for (Node node : element.content()) {
            switch (node) {
                case Node.Text text -> escape(text.text(), false);
                case Element child -> {
                    tag(child);
                    if (child.content().isEmpty()) {
                        out.append("/>");
                    } else {
                        out.append('>');
                        inline(child);
                        out.append("</").append(child.name()).append('>');
                    }
                }
            }
        }
    }

    private static boolean hasText(Element element) {
        return element.content().stream().anyMatch(node -> node instanceof Node.Text);
    }

    private void tag(Element element) {
        out.append('<').append(element.name());
        for (Map.Entry<String, String> attribute : element.attributes().entrySet()) {
            out.append(' ').append(attribute.getKey()).append("='");
            escape(attribute.getValue(), true);
            out.append('\'');
        }
    }

    private void escape(String text, boolean quoted) {
        for (int n = 0; n < text.length(); n++) {
            char c = text.charAt(n);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '\'' -> out.append(quoted ? "&apos;" : "'");
                case '"' -> out.append(quoted ? "&quot;" : "\"");
                case '\n', '\t', '\r' -> {
                    if (quoted) out.append("&#").append((int) c).append(';');
                    else out.append(c);
                }
                default -> out.append(c);
            }
        }
    }
}
