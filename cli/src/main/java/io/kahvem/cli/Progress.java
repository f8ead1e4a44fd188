package io.kahvem.cli;

import java.io.PrintStream;

/// Says what a command does while it does it: on a terminal in one line that is written over, on a pipe not at all. Warnings always
/// appear. One thread.
public final class Progress {
    private static final String ERASE_LINE = "\r\033[K";

    private final PrintStream err;
    private final boolean terminal;
    private String step = "";
    private int percent = -1;
    private boolean lineOpen;

    public Progress(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /// What is being done from here on.
    public void step(String text) {
        step = text;
        percent = -1;
        show(text + " ...");
    }

    /// How far the step is, 0 to 100.
    public void percent(double done) {
        int now = (int) done;
        if (now == percent) return;
        percent = now;
        show("%s ... %3d %%".formatted(step, now));
    }

    /// The work is done; `text` stays on the terminal.
    public void done(String text) {
        show(text);
        close();
    }

    /// Something the user should know even on a pipe.
    public void warn(String text) {
        clear();
        err.println("kahvem: " + text);
    }

    /// Leaves the line for whatever is printed next.
    public void clear() {
        if (lineOpen) err.print(ERASE_LINE);
        lineOpen = false;
        err.flush();
    }

    private void close() {
        if (lineOpen) err.println();
        lineOpen = false;
    }

    private void show(String text) {
        if (!terminal) return;
        err.print(ERASE_LINE + "kahvem: " + text);
        err.flush();
        lineOpen = true;
    }
}
