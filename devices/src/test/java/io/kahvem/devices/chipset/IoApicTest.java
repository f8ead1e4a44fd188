package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IoApicTest {
    private final List<String> messages = new ArrayList<>();
    private final IoApic ioApic = new IoApic((address, data) -> messages.add("%x:%x".formatted(address, data)));

    @Test
    void itIsVersion20WithTwentyFourInputsAllMasked() {
        assertThat(register(1)).isEqualTo(0x0017_0020);
        for (int i = 0; i < IoApic.INPUTS; i++) assertThat(register(0x10 + 2 * i)).isEqualTo(0x1_0000);
        setRegister(0, 0x0500_0000);
        assertThat(register(0)).isEqualTo(0x0500_0000);
    }

    @Test
    void aRisingEdgeSendsOneMessageThatSaysWhatTheEntrySays() {
        redirect(4, 3, 0x0931); // logical, lowest priority
        ioApic.setInput(4, true);
        ioApic.setInput(4, true);
        assertThat(messages).containsExactly("fee0300c:131");

        redirect(4, 0xfe, 0x0031); // physical, fixed
        ioApic.setInput(4, false);
        ioApic.setInput(4, true);
        assertThat(messages).last().isEqualTo("feefe000:31");
    }

    @Test
    void aMaskedEdgeIsLost() {
        ioApic.setInput(4, true);
        redirect(4, 0, 0x31);
        assertThat(messages).isEmpty();
    }

    @Test
    void aLevelIsSentOnceUntilItsEndAndAgainWhileItLasts() {
        redirect(9, 0, 0x8039);
        ioApic.setInput(9, true);
        assertThat(messages).containsExactly("fee00000:c039");
        assertThat(register(0x10 + 18)).isEqualTo(0xc039); // remote IRR

        ioApic.setInput(9, false);
        ioApic.setInput(9, true);
        assertThat(messages).hasSize(1);
        ioApic.endOfInterrupt(0x38);
        assertThat(messages).hasSize(1);
        ioApic.endOfInterrupt(0x39);
        assertThat(messages).hasSize(2);
        ioApic.setInput(9, false);
        ioApic.write(0x40, 4, 0x39); // the EOI register
        assertThat(messages).hasSize(2);
        assertThat(register(0x10 + 18)).isEqualTo(0x8039);
    }

    @Test
    void anAssertedLevelIsSentWhenItIsUnmasked() {
        redirect(9, 0, 0x1_8039);
        ioApic.setInput(9, true);
        assertThat(messages).isEmpty();

        redirect(9, 0, 0x8039);
        assertThat(messages).hasSize(1);
    }

    @Test
    void turningAnEntryToEdgeClearsItsRemoteIrr() {
        redirect(9, 0, 0x8039);
        ioApic.setInput(9, true);
        setRegister(0x10 + 18, 0x1_0039);

        assertThat(register(0x10 + 18)).isEqualTo(0x1_0039);
    }

    private void redirect(int input, int destination, int low) {
        setRegister(0x11 + 2 * input, destination << 24);
        setRegister(0x10 + 2 * input, low);
    }

    private int register(int index) {
        ioApic.write(0, 4, index);
        return (int) ioApic.read(0x10, 4);
    }

    private void setRegister(int index, int value) {
        ioApic.write(0, 4, index);
        ioApic.write(0x10, 4, value & 0xffff_ffffL);
    }
}
