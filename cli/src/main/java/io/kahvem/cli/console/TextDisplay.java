package io.kahvem.cli.console;

import io.kahvem.devices.vga.TextScreen;
import io.kahvem.devices.vga.VgaCard;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/// `--display text`: the screen's text on the standard output. A terminal shows it as it changes; a pipe gets it each time that it has
/// changed and come to rest, with a line of one form feed after it.
///
/// One thread of its own, which ends with the process or by [#close].
public final class TextDisplay implements AutoCloseable {
    private static final long POLL_MILLIS = 50;
    /// So many polls without a change are rest.
    private static final int REST_POLLS = 4;
    private static final String HOME_AND_CLEAR = "\u001b[H\u001b[2J";

    private final VgaCard vga;
    private final OutputStream out;
    private final boolean terminal;
    private final Thread thread;
    private volatile boolean closed;
    private String printed = "";

    public TextDisplay(VgaCard vga, OutputStream out, boolean terminal) {
        this.vga = vga;
        this.out = out;
        this.terminal = terminal;
        this.thread = Thread.ofPlatform().daemon().name("text display").unstarted(this::show);
    }

    public void start() {
        thread.start();
    }

    /// Prints what has not come to rest yet, and ends.
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void show() {
        String seen = "";
        int rested = 0;
        while (!closed) {
            String now = text(vga.text());
            rested = now.equals(seen) ? rested + 1 : 0;
            seen = now;
            if (terminal || rested >= REST_POLLS) print(seen);
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                break;
            }
        }
        print(text(vga.text()));
    }

    private void print(String text) {
        if (text.equals(printed) || text.isEmpty()) return;
        printed = text;
        String shown = terminal ? HOME_AND_CLEAR + text.replace("\n", "\r\n") : text + "\f\n";
        byte[] bytes = shown.getBytes(StandardCharsets.UTF_8);
        try {
            out.write(bytes);
            out.flush();
        } catch (IOException nobodyReads) {
            closed = true;
        }
    }

    private static String text(TextScreen screen) {
        return screen.isShown() ? screen.text() : "";
    }
}
