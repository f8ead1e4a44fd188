package io.kahvem.daemon;

import java.util.Map;
import java.util.ResourceBundle;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// A logger that is looked for where it is first asked: Java searches every jar for what could provide loggers, which would take a tenth
/// of a start that has nothing to say.
public final class LazyLogger implements System.Logger {
    private final String name;
    private final Map<String, System.Logger> found = new ConcurrentHashMap<>(1);

    private LazyLogger(String name) {
        this.name = name;
    }

    public static System.Logger of(String name) {
        return new LazyLogger(name);
    }

    private System.Logger found() {
        return found.computeIfAbsent(name, each -> System.getLogger(each));
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        return found().isLoggable(level);
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
        found().log(level, bundle, message, thrown);
    }

    @Override
    public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object @Nullable ... parameters) {
        found().log(level, bundle, format, parameters);
    }
}
