/// QMP's commands, events and types, once: records named and made as in QEMU's qapi/*.json.
/// Read by server, client and query-qmp-schema alike; immutable, any thread.
@NullMarked
package io.kahvem.qmp.schema;

import org.jspecify.annotations.NullMarked;
