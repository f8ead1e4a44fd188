package io.kahvem.daemon.xml;

import io.kahvem.libvirt.LibvirtException;

/// Reads documents into trees. No document type, no entities of its own, nothing from elsewhere.
public final class Xml {
    private Xml() {}

    /// The tree of a document; blanks between elements and comments are dropped. `what` names the document in messages:
    /// `domain_definition`. Throws [LibvirtException] for one that is no XML.
    public static Element parse(String what, String document) {
        return new XmlReader(what, document).document();
    }
}
