package io.kahvem.vmm.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.config.Boot;
import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.devices.ByteSink;
import io.kahvem.devices.vga.Picture;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Machines.Pmemsave;
import io.kahvem.qmp.schema.QKeyCode;
import io.kahvem.qmp.schema.Screens.ImageFormat;
import io.kahvem.qmp.schema.Screens.KeyValue;
import io.kahvem.qmp.schema.Screens.Screendump;
import io.kahvem.qmp.schema.Screens.SendKey;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.TestMachines;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ScreenCommandsTest {
    @TempDir
    Path directory;

    @Test
    void memoryIsWrittenToAFileAndWhatIsNoneAsZeros() throws Exception {
        Path kernel = TestMachines.writeKernel(directory);
        try (Machine machine = machine(MachineConfig.builder().memory("64M").kernel(kernel)); QmpClient client = connect()) {
            Path file = directory.resolve("memory");
            client.execute(new Pmemsave(0x10_0000, 36, file.toString()));
            byte[] saved = Files.readAllBytes(file);
            assertThat(ByteBuffer.wrap(saved).order(ByteOrder.LITTLE_ENDIAN).getInt(0)).isEqualTo(0x1bad_b002);
            assertThat(saved).startsWith(Files.readAllBytes(kernel));
            machine.memory().write8((64 << 20) - 1, 0x5a);
            client.execute(new Pmemsave((64 << 20) - 4, 3 << 20, file.toString()));
            saved = Files.readAllBytes(file);
            assertThat(saved).hasSize(3 << 20);
            assertThat(saved[3]).isEqualTo((byte) 0x5a);
            saved[3] = 0;
            assertThat(saved).containsOnly(0);
            assertThatThrownBy(() -> client.execute(new Screendump(file.toString(), Optional.empty(), Optional.empty(), Optional.empty())))
                    .isInstanceOf(QmpException.class).hasMessageContaining("There is no console");
        }
    }

    @Test
    void theScreenIsWrittenInBothFormatsAndKeysReachTheKeyboard() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/share/seabios/bios-256k.bin")), "SeaBIOS is not installed (apt-get install seabios)");
        Boot.Firmware firmware = new Boot.Firmware("seabios", Optional.empty());
        try (Machine ignored = machine(MachineConfig.builder().memory("64M").firmware(firmware)); QmpClient client = connect()) {
            for (ImageFormat format : ImageFormat.values()) {
                Path file = directory.resolve("screen." + format);
                client.execute(new Screendump(file.toString(), Optional.empty(), Optional.empty(), Optional.of(format)));
                byte[] written = Files.readAllBytes(file);
                switch (format) {
                    case PPM -> assertThat(new String(written, 0, 15, StandardCharsets.US_ASCII)).isEqualTo("P6\n640 480\n255\n");
                    case PNG -> assertThat(ByteBuffer.wrap(written).getInt(16)).isEqualTo(640);
                }
            }
            client.execute(new SendKey(List.of(new KeyValue.Code(QKeyCode.DIGIT_1), new KeyValue.Number(0x1e)), Optional.of(1L)));
        }
    }

    /// RFC 2083, 3.2 and 6: chunks with their sums; a filter's byte before each line.
    @Test
    void aPicturesChunksHoldItsLines() throws Exception {
        Random random = new Random(1);
        Picture picture = new Picture(37, 11, random.ints(37 * 11, 0, 1 << 24).toArray());
        ByteBuffer png = ByteBuffer.wrap(PictureFile.png(picture));
        assertThat(png.getLong()).isEqualTo(0x8950_4e47_0d0a_1a0aL);
        byte[] head = chunk(png, "IHDR");
        assertThat(head).containsExactly(0, 0, 0, 37, 0, 0, 0, 11, 8, 2, 0, 0, 0);
        byte[] lines = new byte[11 * (1 + 3 * 37)];
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(chunk(png, "IDAT"));
            assertThat(inflater.inflate(lines)).isEqualTo(lines.length);
            inflater.inflate(new byte[1]);
            assertThat(inflater.finished()).isTrue();
        }
        assertThat(chunk(png, "IEND")).isEmpty();
        assertThat(png.hasRemaining()).isFalse();
        byte[] ppm = PictureFile.ppm(picture);
        for (int n = 0; n < picture.pixels().length; n++) {
            int at = n / 37 * (1 + 3 * 37) + 1 + 3 * (n % 37);
            assertThat((lines[at] & 0xff) << 16 | (lines[at + 1] & 0xff) << 8 | lines[at + 2] & 0xff).isEqualTo(picture.pixels()[n]);
            assertThat(ppm[ppm.length - 3 * picture.pixels().length + 3 * n] & 0xff).isEqualTo(picture.pixels()[n] >> 16);
        }
    }

    private static byte[] chunk(ByteBuffer png, String type) {
        byte[] data = new byte[png.getInt()];
        byte[] name = new byte[4];
        png.get(name).get(data);
        assertThat(new String(name, StandardCharsets.US_ASCII)).isEqualTo(type);
        CRC32 sum = new CRC32();
        sum.update(name);
        sum.update(data);
        assertThat(png.getInt()).isEqualTo((int) sum.getValue());
        return data;
    }

    private Machine machine(MachineConfig.Builder builder) {
        Management management = new Management(Optional.empty(), Optional.empty(), List.of(directory.resolve("qmp")), false, false);
        Machine machine = Machine.create(builder.management(management).build(), ByteSink.DISCARD, TestMachines.idleHost());
        machine.start();
        return machine;
    }

    private QmpClient connect() {
        return QmpClient.connect(directory.resolve("qmp"), Duration.ofSeconds(10), event -> { });
    }
}
