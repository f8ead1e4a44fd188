package io.kahvem.vmm.control;

import io.kahvem.devices.chipset.Key;
import io.kahvem.devices.vga.Picture;
import io.kahvem.devices.vga.VgaCard;
import io.kahvem.host.HostFile;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.QKeyCode;
import io.kahvem.qmp.schema.Screens.ImageFormat;
import io.kahvem.qmp.schema.Screens.KeyValue;
import io.kahvem.qmp.schema.Screens.Screendump;
import io.kahvem.qmp.schema.Screens.SendKey;
import io.kahvem.vmm.Machine;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What a user at the machine sees and types.
final class ScreenCommands {
    private static final long HOLD_MILLIS = 100;

    private final Machine machine;
    private final PassedDescriptors files;

    ScreenCommands(Machine machine, PassedDescriptors files) {
        this.machine = machine;
        this.files = files;
    }

    void addTo(QmpService service) {
        service.on(SendKey.class, this::sendKey);
        service.on(Screendump.class, this::dump);
    }

    private Empty sendKey(SendKey command) {
        List<Key> keys = command.keys().stream().map(ScreenCommands::key).flatMap(Optional::stream).toList();
        machine.pressKeys(keys, Duration.ofMillis(Math.clamp(command.holdTime().orElse(HOLD_MILLIS), 0, Integer.MAX_VALUE)));
        return new Empty();
    }

    /// Nothing for a key that keyboards of this kind have not.
    private static Optional<Key> key(KeyValue value) {
        return switch (value) {
            case KeyValue.Code code -> Key.named(name(code.data()));
            case KeyValue.Number number -> Key.numbered(number.data());
        };
    }

    private static String name(QKeyCode code) {
        return code.name().replaceFirst("^DIGIT_", "").toLowerCase(Locale.ROOT);
    }

    private Empty dump(Screendump command, QmpCall call) {
        command.device().ifPresent(device -> {
            throw new QmpException(ErrorClass.DeviceNotFound, "Device '%s' not found".formatted(device));
        });
        if (command.head().isPresent()) throw new QmpException("'head' must be specified together with 'device'");
        VgaCard vga = machine.vga().orElseThrow(() -> new QmpException("There is no console to take a screendump from"));
        Picture picture = vga.picture();
        byte[] bytes = switch (command.format().orElse(ImageFormat.PPM)) {
            case PPM -> PictureFile.ppm(picture);
            case PNG -> PictureFile.png(picture);
        };
        HostFile file = files.output("failed to open file", command.filename(), call);
        try (Arena arena = Arena.ofConfined()) {
            PassedDescriptors.write(file, 0, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes).address(), bytes.length);
        } finally {
            file.close();
        }
        return new Empty();
    }
}
