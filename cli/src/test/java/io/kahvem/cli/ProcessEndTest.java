package io.kahvem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessEndTest {
    private final ProcessEnd end = new ProcessEnd();
    private final List<String> undone = new ArrayList<>();

    @Test
    void undoesInReverseOrderAndOnce() {
        end.add(() -> undone.add("first"));
        end.add(() -> undone.add("second"));
        end.undoAll();
        end.undoAll();
        assertThat(undone).containsExactly("second", "first");
    }

    @Test
    void forgetsWhatIsClosed() {
        try (ProcessEnd.Undo undo = end.add(() -> undone.add("gone"))) {
            assertThat(undo).isNotNull();
        }
        end.undoAll();
        assertThat(undone).isEmpty();
    }

    @Test
    void aSignalDoesWhatItWasToldWithItsNumber() {
        end.onSignal(number -> undone.add("signal " + number));
        end.raise(1);
        assertThat(undone).containsExactly("signal 1");
    }
}
