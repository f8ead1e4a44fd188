/// Tier 1: hot guest code as hidden classes of JVM bytecode. What an instruction means is `decode` and `semantics`; this package arranges
/// it into regions, keeps registers and flags in locals, and links regions to each other. docs/design/translator.md is its map.
package io.kahvem.jvm.translate;
