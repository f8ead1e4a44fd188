package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// What a user sees and types: QEMU's ui.json.
public interface Screens {
    /// The screen to a file, a portable pixmap where no format is given.
    record Screendump(String filename, Optional<String> device, Optional<Long> head, Optional<ImageFormat> format)
            implements Command<Empty> {}

    enum ImageFormat {
        PPM,
        PNG
    }

    /// Presses the keys one after the other and lets them go in the opposite order, after `holdTime` milliseconds (100 by default).
    record SendKey(List<KeyValue> keys, Optional<Long> holdTime) implements Command<Empty> {}

    /// A key by its name in QEMU's QKeyCode, or by what it makes in scan code set 1.
    @Discriminator("type")
    sealed interface KeyValue {
        @Name("qcode")
        record Code(QKeyCode data) implements KeyValue {}

        @Name("number")
        record Number(long data) implements KeyValue {}
    }
}
