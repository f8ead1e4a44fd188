/// JSON as QMP has it: finding values in a stream, trees of Java objects, and trees to and from the schema's records.
/// Called by sessions and clients, each on its own thread.
@NullMarked
package io.kahvem.qmp.json;

import org.jspecify.annotations.NullMarked;
