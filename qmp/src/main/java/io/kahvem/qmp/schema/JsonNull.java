package io.kahvem.qmp.schema;

/// JSON's null.
public enum JsonNull {
    NULL
}
