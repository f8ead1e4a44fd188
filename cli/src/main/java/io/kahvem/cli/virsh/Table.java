package io.kahvem.cli.virsh;

import java.util.ArrayList;
import java.util.List;

/// A table as virsh prints it.
final class Table {
    private static final int GAP = 3;

    private final List<List<String>> rows = new ArrayList<>();

    Table(String... header) {
        rows.add(List.of(header));
    }

    Table(List<String> header) {
        rows.add(List.copyOf(header));
    }

    void row(String... cells) {
        rows.add(List.of(cells));
    }

    void row(List<String> cells) {
        rows.add(List.copyOf(cells));
    }

    /// @param headed false for the rows alone
    String text(boolean headed) {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        int total = 0;
        for (int n = 0; n < columns; n++) {
            for (List<String> row : headed ? rows : rows.subList(1, rows.size())) widths[n] = Math.max(widths[n], row.get(n).length());
            total += widths[n] + GAP;
        }
        StringBuilder text = new StringBuilder();
        for (int r = headed ? 0 : 1; r < rows.size(); r++) {
            for (int n = 0; n < columns; n++) {
                String cell = rows.get(r).get(n);
                text.append(' ').append(cell);
                if (n < columns - 1) text.repeat(' ', widths[n] - cell.length() + GAP - 1);
            }
            text.append('\n');
            if (r == 0) text.repeat('-', total).append('\n');
        }
        return text.toString();
    }
}
