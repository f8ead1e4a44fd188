package io.kahvem.config;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A file that whoever starts the process has opened for it, as `--add-fd` says it: `/dev/fdset/SET` stands for it then.
///
/// @param descriptor its number in the process
/// @param set the set it is in; several that are open for different things may be in one
/// @param opaque told by query-fdsets
public record PassedFile(int descriptor, long set, Optional<String> opaque) {
    private static final int FIRST = 3;

    public PassedFile {
        if (descriptor < FIRST) {
            throw new ConfigException("add-fd: fd=%d is one of stdin, stdout and stderr; pass another number".formatted(descriptor));
        }
    }

    /// Reads `fd=N,set=M[,opaque=TEXT]`.
    public static PassedFile parse(String text) {
        Map<String, String> values = new HashMap<>();
        for (String word : text.split(",", -1)) {
            int equals = word.indexOf('=');
            String key = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 || !List.of("fd", "set", "opaque").contains(key) || values.put(key, word.substring(equals + 1)) != null) {
                throw malformed(text);
            }
        }
        for (String number : List.of("fd", "set")) {
            if (!values.getOrDefault(number, "").matches("[0-9]{1,9}")) throw malformed(text);
        }
        return new PassedFile(Integer.parseInt(values.get("fd")), Long.parseLong(values.get("set")),
                Optional.ofNullable(values.get("opaque")));
    }

    private static ConfigException malformed(String text) {
        return ConfigException.of("add-fd", text, "is not fd=N,set=M[,opaque=TEXT]");
    }
}
