package io.kahvem.block.nbd;

import java.util.List;

/// A disk that a server has.
///
/// @param flags transmission flags
/// @param leastBlock what offsets and lengths must be multiples of
/// @param bestBlock what they are best multiples of; 0: the server does not say
/// @param mostPayload bytes of one request, at most
/// @param contexts what block status tells of
public record ListedExport(
        String name, String description, long sizeBytes, int flags, int leastBlock, int bestBlock, int mostPayload, List<String> contexts) {
    /// The flags' names from bit 1 on.
    private static final List<String> FLAGS = List.of(
            "readonly", "flush", "fua", "rotational", "trim", "zeroes", "df", "multi", "resize", "cache", "fast-zero");

    public ListedExport {
        contexts = List.copyOf(contexts);
    }

    /// Asks a server for all it has. Throws [io.kahvem.block.BlockException] in qemu-nbd's words.
    public static List<ListedExport> of(NbdUrl server) {
        return NbdClient.list(server);
    }

    /// In qemu-nbd's words.
    public String shown() {
        StringBuilder text = new StringBuilder(" export: '%s'\n".formatted(name));
        if (!description.isEmpty()) text.append("  description: %s\n".formatted(description));
        text.append("  size:  %d\n  flags: 0x%x (".formatted(sizeBytes, flags));
        for (int n = 0; n < FLAGS.size(); n++) if ((flags >> n + 1 & 1) != 0) text.append(' ').append(FLAGS.get(n));
        text.append(" )\n");
        if (bestBlock != 0) {
            text.append("  min block: %d\n  opt block: %d\n  max block: %d\n".formatted(leastBlock, bestBlock, mostPayload));
        }
        if (!contexts.isEmpty()) text.append("  available meta contexts: %d\n".formatted(contexts.size()));
        for (String context : contexts) text.append("   %s\n".formatted(context));
        return text.toString();
    }
}
