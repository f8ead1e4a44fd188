package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PvPanicTest {
    private final List<String> told = new ArrayList<>();
    private final PvPanic device = new PvPanic(new MachineEvents() {
        @Override
        public void powerOff() {}

        @Override
        public void reset() {}

        @Override
        public void debugExit(int value) {}

        @Override
        public void guestPanicked() {
            told.add("panicked");
        }

        @Override
        public void crashLoaded() {
            told.add("crash loaded");
        }
    });

    @Test
    void readsAsTheEventsItUnderstands() {
        assertThat(device.read(0, 1)).isEqualTo(3);
    }

    @Test
    void eachEventIsToldAndAPanicGoesFirst() {
        device.write(0, 1, 0);
        device.write(0, 1, 2);
        device.write(0, 1, 1);
        device.write(0, 1, 3);
        device.write(0, 1, 0xfc);
        assertThat(told).containsExactly("crash loaded", "panicked", "panicked");
    }
}
