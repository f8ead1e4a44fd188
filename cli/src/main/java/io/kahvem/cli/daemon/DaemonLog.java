package io.kahvem.cli.daemon;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// The daemon's own messages: a line each on standard error, where systemd's journal takes them.
public final class DaemonLog extends Handler {
    private static final String FORMAT = "kahvem.log";
    private static final JsonFactory JSON = new JsonFactory();

    /// How a line looks.
    enum Format { TEXT, JSON }

    private final PrintStream out;
    private final Format format;
    private final Formatter messages = new java.util.logging.SimpleFormatter();

    private DaemonLog(PrintStream out, Format format) {
        this.out = out;
        this.format = format;
    }

    /// Sends what this process logs to standard error. java.util.logging is told by a property, and reads it where the first message comes:
    /// a start that has nothing to say does not wait for it.
    static void prepare(Format format) {
        System.setProperty(FORMAT, format.name());
        System.setProperty("java.util.logging.config.class", Configuration.class.getName());
    }

    /// Made by java.util.logging.
    public static final class Configuration {
        public Configuration() {
            Logger.getLogger("").addHandler(new DaemonLog(System.err, Format.valueOf(System.getProperty(FORMAT))));
        }
    }

    @Override
    public void publish(LogRecord record) {
        if (!isLoggable(record)) return;
        String time = record.getInstant().truncatedTo(ChronoUnit.MILLIS).toString();
        String message = messages.formatMessage(record);
        String line = format == Format.JSON ? json(record, time, message) : text(record, time, message);
        out.println(line);
    }

    private static String text(LogRecord record, String time, String message) {
        String line = "%s %s %s".formatted(time, level(record.getLevel()), message);
        return record.getThrown() == null ? line : line + "\n" + trace(record.getThrown());
    }

    private static String json(LogRecord record, String time, String message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeStringProperty("time", time);
            json.writeStringProperty("level", level(record.getLevel()));
            json.writeStringProperty("logger", String.valueOf(record.getLoggerName()));
            json.writeStringProperty("message", message);
            if (record.getThrown() != null) json.writeStringProperty("exception", trace(record.getThrown()));
            json.writeEndObject();
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static String level(Level level) {
        if (level.intValue() >= Level.SEVERE.intValue()) return "error";
        if (level.intValue() >= Level.WARNING.intValue()) return "warning";
        return level.intValue() >= Level.INFO.intValue() ? "info" : level.getName().toLowerCase(Locale.ROOT);
    }

    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString().strip();
    }

    @Override
    public void flush() {
        out.flush();
    }

    @Override
    public void close() {}
}
