/// Validated records of a machine: what flags, and later XML, YAML and QMP, become.
/// Made by `cli` and by programs, read by `vmm`; immutable, usable from any thread.
/// Every mistake in them is told by a [ConfigException] when the record is made, never later.
package io.kahvem.config;
