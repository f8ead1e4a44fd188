package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class I8042Test {
    private final Line irq1 = new Line();
    private final Line irq12 = new Line();
    private final AtomicInteger resets = new AtomicInteger();
    private final I8042 i8042 = new I8042(irq1, irq12, resets::incrementAndGet);

    @Test
    void itPassesItsTests() {
        assertThat(status()).isEqualTo(0x14);
        command(0xaa);
        assertThat(answers()).containsExactly(0x55);
        command(0xab);
        assertThat(answers()).containsExactly(0x00);
        command(0xa9);
        assertThat(answers()).containsExactly(0x00);
    }

    @Test
    void theCommandByteIsReadBackAndFollowsTheEnableCommands() {
        command(0x60);
        data(0x47);
        assertThat(commandByte()).isEqualTo(0x47);
        command(0xa7);
        command(0xad);
        assertThat(commandByte()).isEqualTo(0x77);
        command(0xa8);
        command(0xae);
        assertThat(commandByte()).isEqualTo(0x47);
    }

    @Test
    void theAuxLoopComesBackAsFromTheMouseWithItsInterrupt() {
        command(0x60);
        data(0x46);
        command(0xd3);
        data(0x5a);

        assertThat(status() & 0x21).isEqualTo(0x21);
        assertThat(irq12.level).isTrue();
        assertThat(irq1.level).isFalse();
        assertThat(answers()).containsExactly(0x5a);
        assertThat(irq12.level).isFalse();
    }

    @Test
    void keysAreTranslatedToSet1UnlessTheCommandByteSaysNo() {
        key("a", true);
        key("a", false);
        key("right", true);
        key("right", false);
        key("f7", true);
        assertThat(answers()).containsExactly(0x1e, 0x9e, 0xe0, 0x4d, 0xe0, 0xcd, 0x41);
        command(0x60);
        data(0x07);
        key("a", true);
        key("a", false);
        key("right", false);
        assertThat(answers()).containsExactly(0x1c, 0xf0, 0x1c, 0xe0, 0xf0, 0x74);
    }

    @Test
    void keysAreLostWhileScanningIsOffAndWhereNobodyReads() {
        data(0xf5);
        key("a", true);
        assertThat(answers()).containsExactly(0xfa);
        data(0xf4);
        for (int n = 0; n < 10_000; n++) key("b", n % 2 == 0);
        assertThat(answers().size()).isBetween(100, 400);
    }

    @Test
    void everyKeyIsFoundByItsNumberInSet1() {
        assertThat(Key.numbered(0x1e)).contains(Key.named("a").orElseThrow());
        assertThat(Key.numbered(0x9c)).contains(Key.named("kp_enter").orElseThrow());
        assertThat(Key.numbered(0xff)).isEmpty();
        assertThat(Key.named("frobnicate")).isEmpty();
    }

    private void key(String name, boolean down) {
        i8042.key(Key.named(name).orElseThrow(), down);
    }

    @Test
    void theKeyboardAnswersEveryByteWithAnEdgeOfItsInterrupt() {
        data(0xff);
        assertThat(irq1.level).isTrue();
        assertThat(answers()).containsExactly(0xfa, 0xaa);
        assertThat(irq1.rises).isEqualTo(2);
        data(0xee);
        assertThat(answers()).containsExactly(0xee);
        data(0xed);
        data(0x07);
        assertThat(answers()).containsExactly(0xfa, 0xfa);
        data(0x01);
        assertThat(answers()).containsExactly(0xfe);
    }

    @Test
    void theKeyboardsIdentityIsTranslatedOnlyWhereTranslationIsOn() {
        data(0xf2);
        assertThat(answers()).containsExactly(0xfa, 0xab, 0x41);
        command(0x60);
        data(0x05);
        data(0xf2);
        assertThat(answers()).containsExactly(0xfa, 0xab, 0x83);
        data(0xf0);
        data(0x03);
        data(0xf0);
        data(0x00);
        assertThat(answers()).containsExactly(0xfa, 0xfa, 0xfa, 0xfa, 0x03);
    }

    @Test
    void aDisabledKeyboardKeepsItsAnswer() {
        data(0xf4);
        data(0xf2);
        command(0xad);
        assertThat(answers()).containsExactly(0xfa); // that one was in the buffer
        command(0xae);
        assertThat(answers()).containsExactly(0xfa, 0xab, 0x41);
    }

    @Test
    void theMouseAnswersThroughItsOwnCommand() {
        mouse(0xff);
        assertThat(answers()).containsExactly(0xfa, 0xaa, 0x00);
        mouse(0xf2);
        assertThat(answers()).containsExactly(0xfa, 0x00);
        mouse(0xf3);
        mouse(200);
        mouse(0xe8);
        mouse(3);
        mouse(0xf4);
        mouse(0xe7);
        answers();
        mouse(0xe9);
        assertThat(answers()).containsExactly(0xfa, 0x30, 3, 200);
        mouse(0xee);
        mouse(0x42);
        mouse(0xec);
        assertThat(answers()).containsExactly(0xfa, 0x42, 0xfa);
    }

    @Test
    void theResetLineIsPulsedByCommandOrByTheOutputPort() {
        command(0xfe);
        assertThat(resets).hasValue(1);
        command(0xff);
        assertThat(resets).hasValue(1);
        command(0xd1);
        data(0x03);
        assertThat(resets).hasValue(1);
        command(0xd1);
        data(0x02);
        assertThat(resets).hasValue(2);
    }

    @Test
    void theA20BitIsRemembered() {
        command(0xdd);
        command(0xd0);
        assertThat(answers().getFirst() & 2).isZero();
        command(0xdf);
        command(0xd0);
        assertThat(answers().getFirst() & 2).isEqualTo(2);
    }

    private int commandByte() {
        command(0x20);
        return answers().getFirst();
    }

    private void mouse(int value) {
        command(0xd4);
        data(value);
    }

    private List<Integer> answers() {
        List<Integer> read = new ArrayList<>();
        while ((status() & 1) != 0) read.add((int) i8042.dataPort().read(0, 1));
        return read;
    }

    private int status() {
        return (int) i8042.commandPort().read(0, 1) & ~0x08;
    }

    private void command(int value) {
        i8042.commandPort().write(0, 1, value);
    }

    private void data(int value) {
        i8042.dataPort().write(0, 1, value);
    }
}
