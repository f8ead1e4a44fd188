package io.kahvem.daemon.xml;

/// What stands in an element.
public sealed interface Node permits Element, Node.Text {
    /// Characters, unescaped.
    record Text(String text) implements Node {}
}
