package io.kahvem.devices.vga;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.ManualEventLoop;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VgaCardTest {
    private static final long FRAME_BUFFER = 0xc000_0000L;
    private static final long REGISTERS = 0xc100_0000L;

    private final IoBus ports = new IoBus("ports");
    private final IoBus mmio = new IoBus("MMIO");
    private final GuestMemory memory = new GuestMemory();
    private final VgaCard card = new VgaCard(
            ports, mmio, memory, HostMemory.system(), ManualEventLoop.at("2025-06-01T12:00:00Z").clock(), Optional.empty());

    VgaCardTest() {
        new PciBus(new PciBus.Wiring(ports, mmio, (address, data) -> {}, (slot, pin) -> InterruptLine.NONE)).add(1, 0, card);
        card.writeConfig(0x10, 4, (int) FRAME_BUFFER);
        card.writeConfig(0x18, 4, (int) REGISTERS);
        card.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_IO | PciFunction.COMMAND_MEMORY);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void aTextModeShowsTheCharactersWrittenToItsWindow() {
        assertThat(card.text().isShown()).isFalse();
        textMode();
        mmio.write(0xb_8000, 8, 0x0749_0748_0748_0748L); // HHHI
        mmio.write(0xb_8000 + 2 * (80 + 3), 2, 0x1f01);
        TextScreen screen = card.text();
        assertThat(screen.columns()).isEqualTo(80);
        assertThat(screen.rows()).isEqualTo(25);
        assertThat(screen.text()).isEqualTo("HHHI\n   \u263a\n");
        assertThat(screen.attribute(3, 1)).isEqualTo(0x1f);
        assertThat(mmio.read(0xb_8006, 2)).isEqualTo(0x0749);
        assertThat(mmio.read(0xa_0000, 1)).as("the window is at b8000").isEqualTo(0xff);
    }

    @Test
    void aTextModesPictureHasTheFontOfPlane2InThePalettesColours() {
        assertThat(card.picture().pixels()).as("off is black").containsOnly(0);
        ports.write(0x3c4, 2, 0x0402); // the font, plane 2 by itself, at a0000
        ports.write(0x3c4, 2, 0x0604);
        ports.write(0x3ce, 2, 0x0005);
        ports.write(0x3ce, 2, 0x0406);
        ports.write(0x3ce, 2, 0xff08);
        mmio.write(0xa_0000 + 32 * 'H' + 3, 1, 0x81);
        textMode();
        ports.write(0x3c4, 2, 0x0101); // eight dots
        for (int n = 0; n < 16; n++) {
            ports.read(0x3da, 1);
            ports.write(0x3c0, 1, n);
            ports.write(0x3c0, 1, n);
        }
        ports.write(0x3c0, 1, 0x20);
        ports.write(0x3c8, 1, 1);
        for (int level : new int[] {0, 0, 0x3f}) ports.write(0x3c9, 1, level); // 1: blue
        ports.write(0x3c8, 1, 15);
        for (int level : new int[] {0x3f, 0x20, 0}) ports.write(0x3c9, 1, level); // 15: orange
        mmio.write(0xb_8000 + 2 * 5, 2, 0x1f48);
        Picture picture = card.picture();
        assertThat(picture.width()).isEqualTo(640);
        assertThat(picture.height()).isEqualTo(400);
        int line = 3 * 640 + 5 * 8;
        assertThat(picture.pixels()[line]).isEqualTo(0xff_80_00);
        assertThat(picture.pixels()[line + 1]).isEqualTo(0x00_00_ff);
        assertThat(picture.pixels()[line + 7]).isEqualTo(0xff_80_00);
        assertThat(picture.pixels()[line + 8]).as("the next cell").isZero();
        assertThat(picture.pixels()[line - 640]).as("the line above").isEqualTo(0x00_00_ff);
    }

    @Test
    void aLinearModesPictureHasItsPixelsOfAnyDepth() {
        int[][] depths = {{32, 0x0011_2233, 0x11_22_33}, {16, 0xf800, 0xff_00_00}, {15, 0x03e0, 0x00_ff_00}, {24, 0x0044_5566, 0x44_55_66}};
        for (int[] depth : depths) {
            setDispi(4, 0);
            setDispi(1, 64);
            setDispi(2, 48);
            setDispi(3, depth[0]);
            setDispi(4, 0x41);
            memory.write32(FRAME_BUFFER, depth[1]);
            Picture picture = card.picture();
            assertThat(picture.width()).isEqualTo(64);
            assertThat(picture.height()).isEqualTo(48);
            assertThat(picture.pixels()[0]).as("%d bits", depth[0]).isEqualTo(depth[2]);
            assertThat(picture.pixels()[64]).isZero();
        }
    }

    @Test
    void writeModesCombineFourPlanes() {
        ports.write(0x3ce, 2, 0x0506); // graphics at a0000
        ports.write(0x3c4, 2, 0x0f02);
        ports.write(0x3c4, 2, 0x0604); // neither chained nor odd and even
        ports.write(0x3ce, 2, 0xff08);
        ports.write(0x3ce, 2, 0x0205); // write mode 2: a colour
        mmio.write(0xa_0000, 1, 0x05);
        for (int plane = 0; plane < 4; plane++) {
            ports.write(0x3ce, 2, plane << 8 | 0x04);
            assertThat(mmio.read(0xa_0000, 1)).as("plane %d", plane).isEqualTo((5 >> plane & 1) * 0xff);
        }
        ports.write(0x3ce, 2, 0x0105); // write mode 1: the latches
        mmio.write(0xa_0001, 1, 0);
        assertThat(mmio.read(0xa_0001, 1)).isZero();
        ports.write(0x3ce, 2, 0x0004);
        assertThat(mmio.read(0xa_0001, 1)).isEqualTo(0xff);
        ports.write(0x3ce, 2, 0x0005);
        ports.write(0x3ce, 2, 0x0f08); // mode 0, the low half of each byte
        mmio.write(0xa_0001, 1, 0x00);
        assertThat(mmio.read(0xa_0001, 1)).isEqualTo(0xf0);
    }

    @Test
    void dispiSetsALinearModeByPortsAndByMemory() {
        assertThat(dispi(0)).isEqualTo(0xb0c5);
        setDispi(1, 800);
        setDispi(2, 600);
        setDispi(3, 32);
        setDispi(4, 0x41);
        FrameBuffer frame = card.frame();
        assertThat(frame.width()).isEqualTo(800);
        assertThat(frame.height()).isEqualTo(600);
        assertThat(frame.strideBytes()).isEqualTo(3200);
        assertThat(card.text().isShown()).isFalse();
        assertThat(mmio.read(REGISTERS + 0x502, 2)).isEqualTo(800);
        mmio.write(REGISTERS + 0x50a, 2, 2); // bank 2
        mmio.write(0xa_0004, 4, 0x1122_3344);
        assertThat(memory.read32(FRAME_BUFFER + 0x2_0004)).isEqualTo(0x1122_3344);
        setDispi(4, 0);
        assertThat(card.frame()).isEqualTo(FrameBuffer.NONE);
    }

    @Test
    void aPictureThatDoesNotFitIsNone() {
        setDispi(1, 16_000);
        setDispi(2, 12_000);
        setDispi(3, 32);
        setDispi(4, 1);
        assertThat(card.frame()).isEqualTo(FrameBuffer.NONE);
        mmio.write(0xa_0000, 8, -1L);
        card.reset();
        assertThat(dispi(4)).isZero();
    }

    /// Mode 3, as far as it matters here.
    private void textMode() {
        ports.write(0x3c2, 1, 0x67);
        ports.write(0x3c4, 2, 0x0302);
        ports.write(0x3c4, 2, 0x0204);
        ports.write(0x3ce, 2, 0x1005);
        ports.write(0x3ce, 2, 0x0e06);
        ports.write(0x3d4, 2, 0x4f01);
        ports.write(0x3d4, 2, 0x1f07);
        ports.write(0x3d4, 2, 0x4f09);
        ports.write(0x3d4, 2, 0x8f12);
        ports.write(0x3d4, 2, 0x2813);
        ports.read(0x3da, 1);
        ports.write(0x3c0, 1, 0x20);
    }

    private long dispi(int register) {
        ports.write(0x1ce, 2, register);
        return ports.read(0x1cf, 2);
    }

    private void setDispi(int register, int value) {
        ports.write(0x1ce, 2, register);
        ports.write(0x1cf, 2, value);
    }
}
