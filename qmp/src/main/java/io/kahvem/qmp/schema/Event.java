package io.kahvem.qmp.schema;

/// An event: its record's components are its data.
public interface Event {}
