package io.kahvem.daemon.xml;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;

/// One pass over a document, by the productions of XML 1.0 whose numbers stand beside each method; without document types (2.8), so without
/// entities but the five that every document has. Names keep their prefixes. A parser of the JDK's takes longer to make than a description
/// takes to read.
final class XmlReader {
    /// Elements within elements; no description of libvirt's comes near.
    private static final int DEPTH = 256;
    private static final int LONGEST_REFERENCE = 100;

    private final String what;
    private final String text;
    private int at;

    /// @param what names the document in messages
    XmlReader(String what, String document) {
        this.what = what;
        // 2.11: however lines end, a parser sees line feeds.
        this.text = document.indexOf('\r') < 0 ? document : document.replace("\r\n", "\n").replace('\r', '\n');
    }

    /// \[1] document
    Element document() {
        if (text.startsWith("\uFEFF")) at++;
        if (looksAt("<?xml") && at + 5 < text.length() && isBlank(text.charAt(at + 5))) behind("?>", "XML declaration");
        misc();
        if (looksAt("<!DOCTYPE")) throw refused("a document type is not allowed");
        if (at >= text.length()) throw refused("Document is empty");
        if (peek() != '<') throw refused("Start tag expected, '<' not found");
        Element root = element(0);
        misc();
        if (at < text.length()) throw refused("Extra content at the end of the document");
        return root;
    }

    /// \[27] Misc: comments, instructions and blanks around the root
    private void misc() {
        while (true) {
            blanks();
            if (!commentOrInstruction()) return;
        }
    }

    /// \[15] Comment, \[16] PI: they say nothing to a machine
    private boolean commentOrInstruction() {
        if (looksAt("<!--")) {
            at += 4;
            int end = text.indexOf("--", at);
            if (end >= 0 && !text.startsWith("-->", end)) throw refused("Double hyphen within comment");
            behind("-->", "comment");
            return true;
        }
        if (!looksAt("<?")) return false;
        at += 2;
        if (name().equalsIgnoreCase("xml")) throw refused("XML declaration allowed only at the start of the document");
        behind("?>", "processing instruction");
        return true;
    }

    /// \[39] element
    private Element element(int depth) {
        if (depth > DEPTH) throw refused("elements are nested more than %d deep".formatted(DEPTH));
        at++;
        Element element = new Element(name());
        while (true) {
            boolean apart = blanks();
            switch (peek()) {
                case '>' -> {
                    at++;
                    content(element, depth);
                    return element;
                }
                case '/' -> {
                    at++;
                    expect('>');
                    return element;
                }
                default -> {
                    if (!apart) throw refused("attributes construct error: blanks are missing before an attribute");
                    attribute(element);
                }
            }
        }
    }

    /// \[41] Attribute
    private void attribute(Element element) {
        String name = name();
        blanks();
        expect('=');
        blanks();
        char quote = peek();
        if (quote != '"' && quote != '\'') throw refused("AttValue: \" or ' expected");
        at++;
        StringBuilder value = new StringBuilder();
        for (char c; (c = peek()) != quote; ) {
            switch (c) {
                case '<' -> throw refused("Unescaped '<' not allowed in attributes values");
                case '&' -> reference(value);
                // 3.3.3
                case '\n', '\t' -> {
                    value.append(' ');
                    at++;
                }
                default -> characters(value, quote);
            }
        }
        at++;
        if (element.attribute(name) != null) throw refused("Attribute %s redefined".formatted(name));
        element.with(name, value);
    }

    /// \[43] content, and \[42] the end tag
    private void content(Element element, int depth) {
        int begin = at;
        StringBuilder characters = new StringBuilder();
        boolean hasText = false;
        while (true) {
            switch (peek()) {
                case '<' -> {
                    if (commentOrInstruction()) continue;
                    if (looksAt("<![CDATA[")) {
                        at += 9;
                        int end = text.indexOf("]]>", at);
                        if (end < 0) throw refused("CDATA section is not closed");
                        while (at < end) character(characters);
                        at += 3;
                        continue;
                    }
                    hasText |= put(characters, element);
                    if (!looksAt("</")) {
                        element.add(element(depth + 1));
                        continue;
                    }
                    at += 2;
                    String end = name();
                    if (!end.equals(element.name())) {
                        throw refused("Opening and ending tag mismatch: %s line %d and %s".formatted(element.name(), line(begin), end));
                    }
                    blanks();
                    expect('>');
                    if (!hasText) element.content().removeIf(node -> node instanceof Node.Text);
                    return;
                }
                case '&' -> reference(characters);
                case ']' -> {
                    if (looksAt("]]>")) throw refused("Sequence ']]>' not allowed in content");
                    character(characters);
                }
                default -> characters(characters, '<');
            }
        }
    }

    /// Puts what has come of text into the element; whether it is more than blanks.
    private static boolean put(StringBuilder characters, Element element) {
        if (characters.isEmpty()) return false;
        String all = characters.toString();
        characters.setLength(0);
        element.content().add(new Node.Text(all));
        return !all.isBlank();
    }

    /// \[67] Reference
    private void reference(StringBuilder into) {
        int end = text.indexOf(';', at, Math.min(at + LONGEST_REFERENCE, text.length()));
        if (end < 0) throw refused("EntityRef: expecting ';'");
        String name = text.substring(at + 1, end);
        switch (name) {
            case "lt" -> into.append('<');
            case "gt" -> into.append('>');
            case "amp" -> into.append('&');
            case "apos" -> into.append('\'');
            case "quot" -> into.append('"');
            default -> {
                if (!name.startsWith("#")) throw refused("Entity '%s' not defined".formatted(name));
                into.appendCodePoint(numbered(name));
            }
        }
        at = end + 1;
    }

    /// \[66] CharRef
    private int numbered(String name) {
        boolean hexadecimal = name.startsWith("#x");
        String digits = name.substring(hexadecimal ? 2 : 1);
        int code;
        try {
            if (digits.isEmpty() || Character.digit(digits.charAt(0), 16) < 0) throw new NumberFormatException();
            code = Integer.parseInt(digits, hexadecimal ? 16 : 10);
        } catch (NumberFormatException e) {
            throw refused("invalid character reference");
        }
        if (!isCharacter(code)) throw refused("xmlParseCharRef: invalid xmlChar value %d".formatted(code));
        return code;
    }

    /// All that mean only themselves, up to `end` or another; one where there is none such. A daemon reads its machines before anything of
    /// this is compiled, so it matters how little is done for each.
    private void characters(StringBuilder into, char end) {
        int from = at;
        int to = from;
        while (to < text.length()) {
            char c = text.charAt(to);
            if (c < ' ' || c > '~' || c == end || c == '<' || c == '&' || c == ']') break;
            to++;
        }
        if (to == from) {
            character(into);
        } else {
            into.append(text, from, to);
            at = to;
        }
    }

    /// \[2] Char
    private void character(StringBuilder into) {
        int code = text.codePointAt(at);
        if (!isCharacter(code)) throw refused("PCDATA invalid Char value %d".formatted(code));
        into.appendCodePoint(code);
        at += Character.charCount(code);
    }

    private static boolean isCharacter(int code) {
        return code >= 0x20 ? code < 0xd800 || code >= 0xe000 && code != 0xfffe && code != 0xffff && code <= Character.MAX_CODE_POINT
                : code == '\t' || code == '\n' || code == '\r';
    }

    /// \[5] Name
    private String name() {
        int begin = at;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c >= 'a' && c <= 'z') {
                at++;
                continue;
            }
            int code = text.codePointAt(at);
            if (at == begin ? !isNameStart(code) : !isNamePart(code)) break;
            at += Character.charCount(code);
        }
        if (at == begin) throw refused(at >= text.length() ? "Premature end of data" : "a name was expected");
        return text.substring(begin, at);
    }

    /// \[4] NameStartChar
    private static boolean isNameStart(int code) {
        if (code < 0x80) return code >= 'a' && code <= 'z' || code >= 'A' && code <= 'Z' || code == '_' || code == ':';
        return code >= 0xc0 && code != 0xd7 && code != 0xf7 && !(code >= 0x300 && code < 0x370) && code != 0x37e
                && !(code >= 0x2000 && code < 0x2070 && code != 0x200c && code != 0x200d) && !(code >= 0x2190 && code < 0x2c00)
                && !(code >= 0x2ff0 && code <= 0x3000) && !(code >= 0xd800 && code < 0xf900) && !(code >= 0xfdd0 && code < 0xfdf0)
                && isCharacter(code) && code < 0xf0000;
    }

    /// \[4a] NameChar
    private static boolean isNamePart(int code) {
        return isNameStart(code) || code >= '0' && code <= '9' || code == '-' || code == '.' || code == 0xb7
                || code >= 0x300 && code < 0x370 || code == 0x203f || code == 0x2040;
    }

    // ---- the text

    private char peek() {
        if (at >= text.length()) throw refused("Premature end of data");
        return text.charAt(at);
    }

    private boolean looksAt(String next) {
        return text.startsWith(next, at);
    }

    private void expect(char c) {
        if (peek() != c) throw refused("'%c' was expected".formatted(c));
        at++;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\n' || c == '\t';
    }

    /// \[3] S; whether there were some.
    private boolean blanks() {
        int begin = at;
        while (at < text.length() && isBlank(text.charAt(at))) at++;
        return at > begin;
    }

    private void behind(String end, String of) {
        int found = text.indexOf(end, at);
        if (found < 0) throw refused("%s is not closed".formatted(of));
        at = found + end.length();
    }

    private int line(int place) {
        return 1 + (int) text.chars().limit(place).filter(c -> c == '\n').count();
    }

    private LibvirtException refused(String reason) {
        return LibvirtException.of(ErrorCode.XML_DETAIL, ErrorDomain.XML, "(%s):%d: parser error: %s".formatted(what, line(at), reason));
    }
}
