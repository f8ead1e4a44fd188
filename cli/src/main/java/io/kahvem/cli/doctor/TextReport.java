package io.kahvem.cli.doctor;

import java.io.PrintWriter;

/// A diagnosis for a person: status, name and evidence in columns, the remedy below the finding it belongs to.
final class TextReport {
    private static final String RESET = "\u001b[0m";

    private final boolean colour;

    TextReport(boolean colour) {
        this.colour = colour;
    }

    void print(Diagnosis diagnosis, PrintWriter out) {
        int width = diagnosis.checks().stream().mapToInt(check -> check.name().length()).max().orElse(0);
        for (Check check : diagnosis.checks()) {
            out.println(painted(check.status()) + "  " + padded(check.name(), width) + "  " + check.evidence());
            if (!check.remedy().isEmpty()) out.println(padded("", 4 + 2 + width) + "  -> " + check.remedy());
        }
        out.println();
        out.println("Engines that can run here: " + (diagnosis.engines().isEmpty() ? "none" : String.join(", ", diagnosis.engines())));
        out.flush();
    }

    private String painted(Status status) {
        if (!colour) return status.name();
        String on = switch (status) {
            case PASS -> "\u001b[32m";
            case WARN -> "\u001b[33m";
            case FAIL -> "\u001b[31m";
        };
        return on + status + RESET;
    }

    private static String padded(String text, int width) {
        return text + " ".repeat(width - text.length());
    }
}
