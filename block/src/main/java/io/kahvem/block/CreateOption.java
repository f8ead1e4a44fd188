package io.kahvem.block;

/// An option a format's images are made with.
///
/// @param help as `create -o help` tells
/// @param initial its value where none is given, or empty
public record CreateOption(String name, Kind kind, String help, String initial) {
    /// What values look like.
    public enum Kind {
        STRING("str"),
        BOOL("bool (on/off)"),
        NUMBER("num"),
        SIZE("size");

        private final String shown;

        Kind(String shown) {
            this.shown = shown;
        }

        @Override
        public String toString() {
            return shown;
        }
    }
}
