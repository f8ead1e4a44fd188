package io.kahvem.daemon.xml;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// An element: its name with its prefix, attributes in order, and what is in it: elements, text, or in metadata both. One element equals no
/// other.
public final class Element implements Node {
    private String name;
    private final Map<String, String> attributes = new LinkedHashMap<>();
    private final List<Node> content = new ArrayList<>();

    public Element(String name) {
        this.name = name;
    }

    /// An element with text alone in it.
    public Element(String name, Object text) {
        this(name);
        text(String.valueOf(text));
    }

    public String name() {
        return name;
    }

    public void rename(String name) {
        this.name = name;
    }

    // ---- attributes

    public Map<String, String> attributes() {
        return attributes;
    }

    public @Nullable String attribute(String key) {
        return attributes.get(key);
    }

    public String attribute(String key, String otherwise) {
        return attributes.getOrDefault(key, otherwise);
    }

    public boolean hasAttribute(String key, String value) {
        return value.equals(attributes.get(key));
    }

    /// Sets an attribute; this element, for chains.
    public Element with(String key, Object value) {
        attributes.put(key, String.valueOf(value));
        return this;
    }

    /// Sets an attribute that is not there yet.
    public Element withDefault(String key, Object value) {
        attributes.putIfAbsent(key, String.valueOf(value));
        return this;
    }

    // ---- content

    public List<Node> content() {
        return content;
    }

    /// The text in it, without the blanks around it.
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Node node : content) {
            if (node instanceof Node.Text characters) text.append(characters.text());
        }
        return text.toString().strip();
    }

    /// Puts text in place of what is in it; this element.
    public Element text(String text) {
        content.clear();
        content.add(new Node.Text(text));
        return this;
    }

    public List<Element> children() {
        List<Element> children = new ArrayList<>();
        for (Node node : content) {
            if (node instanceof Element element) children.add(element);
        }
        return children;
    }

    public List<Element> children(String child) {
        List<Element> children = new ArrayList<>();
        for (Node node : content) {
            if (node instanceof Element element && element.name.equals(child)) children.add(element);
        }
        return children;
    }

    /// The first child of that name.
    public @Nullable Element child(String child) {
        for (Node node : content) {
            if (node instanceof Element element && element.name.equals(child)) return element;
        }
        return null;
    }

    /// The first child of that name, made if there is none.
    public Element childOrNew(String child) {
        Element found = child(child);
        if (found != null) return found;
        Element made = new Element(child);
        content.add(made);
        return made;
    }

    /// The descendant at a path of names, `os/type`.
    public @Nullable Element at(String path) {
        Element at = this;
        for (String step : path.split("/")) {
            at = at.child(step);
            if (at == null) return null;
        }
        return at;
    }

    /// The text of the descendant at a path.
    public Optional<String> textAt(String path) {
        Element at = at(path);
        return at == null ? Optional.empty() : Optional.of(at.text());
    }

    /// An attribute of the descendant at a path.
    public Optional<String> attributeAt(String path, String key) {
        Element at = at(path);
        return at == null ? Optional.empty() : Optional.ofNullable(at.attribute(key));
    }

    /// Puts an element behind the others; this element.
    public Element add(Element child) {
        content.add(child);
        return this;
    }

    /// Puts an element where the first of its name is, or behind the others.
    public void put(Element child) {
        int at = content.indexOf(child(child.name));
        if (at < 0) content.add(child);
        else content.set(at, child);
    }

    public void remove(Element child) {
        content.remove(child);
    }

    public void removeAll(String child) {
        removeIf(each -> each.name.equals(child));
    }

    public void removeIf(Predicate<Element> which) {
        content.removeIf(node -> node instanceof Element element && which.test(element));
    }

    /// Sorts its children by the number that `order` has for their names, those of one name as they are; drops those that have none.
    public void arrange(Map<String, Integer> order) {
        List<Element> children = children();
        children.removeIf(each -> !order.containsKey(each.name));
        if (children.size() > 1) children.sort(Comparator.comparing(each -> order.getOrDefault(each.name, 0)));
        content.clear();
        content.addAll(children);
    }

    /// A tree of its own.
    public Element copy() {
        Element copy = new Element(name);
        copy.attributes.putAll(attributes);
        for (Node node : content) copy.content.add(node instanceof Element element ? element.copy() : node);
        return copy;
    }

    /// As libvirt prints it: two blanks a level, single quotes, an end of line behind it.
    @Override
    public String toString() {
        return XmlPrinter.print(this);
    }
}
