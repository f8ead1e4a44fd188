package io.kahvem.host;

import java.io.Console;

/// What stays of a terminal without termios: the JVM knows whether one is there, and input comes by the line.
final class LineTerminal implements Terminal {
    @Override
    public boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    @Override
    public void raw() {}

    @Override
    public void restore() {}
}
