package io.kahvem.config;

/// A machine was described in a way that cannot be. The message says what was given and what is accepted; it is meant for the user.
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        super(message);
    }

    /// The usual form: `--memory: "12Q" is no size; give ...`.
    static ConfigException of(String what, String given, String accepted) {
        return new ConfigException("%s: \"%s\" %s".formatted(what, given, accepted));
    }
}
