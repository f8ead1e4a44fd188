package io.kahvem.devices.serial;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Uart16550Test {
    private static final int RBR = 0;
    private static final int THR = 0;
    private static final int IER = 1;
    private static final int IIR = 2;
    private static final int FCR = 2;
    private static final int LCR = 3;
    private static final int MCR = 4;
    private static final int LSR = 5;
    private static final int MSR = 6;
    private static final int SCR = 7;
    private static final int OUT2 = 0x08;
    private static final int LOOP = 0x10;

    private final Line irq = new Line();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Uart16550 uart = new Uart16550(irq, out::write);

    @BeforeEach
    void connectTheInterrupt() {
        write(MCR, OUT2);
    }

    @Test
    void aByteWrittenIsOutAtOnceAndTheTransmitterIsEmptyAgain() {
        for (char c : "hello".toCharArray()) {
            assertThat(read(LSR)).isEqualTo(0x60);
            write(THR, c);
        }

        assertThat(out.toString(StandardCharsets.US_ASCII)).isEqualTo("hello");
    }

    @Test
    void enablingTheTransmitInterruptRaisesItEveryTimeAndReadingIirClearsIt() {
        for (int i = 0; i < 2; i++) {
            write(IER, 0x02);
            assertThat(irq.level).isTrue();
            assertThat(read(IIR)).isEqualTo(0x02);
            assertThat(read(IIR)).isEqualTo(0x01);
            assertThat(irq.level).isFalse();
            write(IER, 0);
        }
    }

    @Test
    void everyByteWrittenGivesANewEdgeOfTheTransmitInterrupt() {
        write(IER, 0x02);
        write(THR, 'a');
        write(THR, 'b');

        assertThat(irq.rises).isEqualTo(3);
        assertThat(read(IIR)).isEqualTo(0x02);
    }

    @Test
    void withoutOut2TheInterruptDoesNotReachTheBus() {
        write(MCR, 0);
        write(IER, 0x02);
        assertThat(irq.level).isFalse();

        write(MCR, OUT2);
        assertThat(irq.level).isTrue();
    }

    @Test
    void receivedBytesBelowTheTriggerAreATimeoutAndFromItDataAvailable() {
        listenWithFifo(0x81); // trigger at 8

        uart.receive((byte) 'x');
        assertThat(irq.level).isTrue();
        assertThat(read(IIR)).isEqualTo(0xcc);
        for (int i = 0; i < 7; i++) uart.receive((byte) i);
        assertThat(read(IIR)).isEqualTo(0xc4);
        assertThat(read(RBR)).isEqualTo('x');
        assertThat(read(IIR)).isEqualTo(0xcc);
        for (int i = 0; i < 7; i++) assertThat(read(RBR)).isEqualTo(i);
        assertThat(read(IIR)).isEqualTo(0xc1);
        assertThat(irq.level).isFalse();
        assertThat(read(LSR) & 1).isZero();
    }

    @Test
    void inputWaitsOutsideUntilTheGuestListensSoThatAFifoResetLosesNothing() {
        AtomicInteger calls = new AtomicInteger();
        uart.onReceiveSpace(calls::incrementAndGet);
        assertThat(uart.receive((byte) 'a')).isFalse();
        write(FCR, 0x07);
        assertThat(uart.receive((byte) 'a')).isFalse();

        write(IER, 0x01);

        assertThat(calls).hasValue(1);
        assertThat(uart.receive((byte) 'a')).isTrue();
        assertThat(read(RBR)).isEqualTo('a');
    }

    @Test
    void aGuestThatPollsTheLineStatusIsListeningToo() {
        for (int i = 0; i < 3; i++) read(LSR);
        assertThat(uart.receiveSpace()).isZero();
        read(LSR);
        assertThat(uart.receiveSpace()).isEqualTo(1);
        uart.receive((byte) 'k');

        assertThat(read(LSR) & 1).isEqualTo(1);
        assertThat(read(RBR)).isEqualTo('k');
    }

    /// As edk2's driver polls: modem status, modem control, line status, each time.
    @Test
    void aGuestThatLooksAtTheModemLinesBetweenPollsIsListeningToo() {
        write(FCR, 0x01);
        for (int i = 0; i < 4; i++) {
            read(MSR);
            write(MCR, 0x03);
            read(LSR);
        }
        assertThat(uart.receiveSpace()).isEqualTo(16);
    }

    @Test
    void aGuestThatLooksWhetherItMaySendIsNotListening() {
        for (int i = 0; i < 100; i++) {
            read(LSR);
            write(THR, 'x');
        }
        assertThat(uart.receiveSpace()).isZero();
    }

    @Test
    void aFullFifoPushesBackAndReadingMakesSpace() {
        AtomicInteger calls = new AtomicInteger();
        listenWithFifo(0x01);
        uart.onReceiveSpace(calls::incrementAndGet);
        for (int i = 0; i < 16; i++) assertThat(uart.receive((byte) i)).isTrue();
        assertThat(uart.receive((byte) 16)).isFalse();

        read(RBR);

        assertThat(calls).hasValue(1);
        assertThat(uart.receive((byte) 16)).isTrue();
        for (int i = 1; i <= 16; i++) assertThat(read(RBR)).isEqualTo(i);
    }

    @Test
    void aThousandBytesOfferedWheneverThereIsSpaceArriveInOrder() {
        AtomicInteger offered = new AtomicInteger();
        uart.onReceiveSpace(() -> {
            while (uart.receive((byte) (offered.get() * 7))) offered.incrementAndGet();
        });
        listenWithFifo(0x01);

        for (int i = 0; i < 1000; i++) {
            assertThat(read(LSR) & 1).isEqualTo(1);
            assertThat((byte) read(RBR)).isEqualTo((byte) (i * 7));
        }
    }

    @Test
    void loopbackReturnsBytesAndModemOutputsAndSendsNothingOut() {
        write(MCR, LOOP | 0x0a);
        assertThat(read(MSR) & 0xf0).isEqualTo(0x90); // the probe of Linux's 8250 driver
        write(MCR, LOOP | 0x05);
        assertThat(read(MSR)).isEqualTo(0x60 | 0x0b);
        write(MCR, LOOP);
        assertThat(read(MSR)).isEqualTo(0x06); // DSR changed, RI's trailing edge

        write(FCR, 0x01);
        for (int i = 0; i < 17; i++) write(THR, i);

        assertThat(read(LSR)).isEqualTo(0x63); // with an overrun
        assertThat(read(LSR)).isEqualTo(0x61);
        for (int i = 0; i < 16; i++) assertThat(read(RBR)).isEqualTo(i);
        assertThat(out.size()).isZero();
        assertThat(irq.level).isFalse();
    }

    @Test
    void aBreakIsALineStatusInterruptUntilLsrIsRead() {
        listenWithFifo(0x01);
        write(IER, 0x05);
        assertThat(uart.receiveBreak()).isTrue();

        assertThat(read(IIR)).isEqualTo(0xc6);
        assertThat(read(LSR)).isEqualTo(0x60 | 0x80 | 0x10 | 0x01);
        assertThat(read(IIR)).isEqualTo(0xc4);
        assertThat(read(RBR)).isZero();
    }

    @Test
    void theDivisorLatchHidesTheDataAndEnableRegisters() {
        write(IER, 0x05);
        write(LCR, 0x83);
        write(0, 0x34);
        write(1, 0x12);
        assertThat(read(0)).isEqualTo(0x34);
        assertThat(read(1)).isEqualTo(0x12);
        write(LCR, 0x03);

        assertThat(read(IER)).isEqualTo(0x05);
        assertThat(out.size()).isZero();
    }

    @Test
    void theProbesOfA16550AFindOne() {
        write(IER, 0xff);
        assertThat(read(IER)).isEqualTo(0x0f);
        write(IER, 0);
        write(SCR, 0xa5);
        assertThat(read(SCR)).isEqualTo(0xa5);
        assertThat(read(IIR)).isEqualTo(0x01);
        write(FCR, 0x01);
        assertThat(read(IIR)).isEqualTo(0xc1);
        write(FCR, 0x21); // a 16750 would show its 64-byte FIFO
        assertThat(read(IIR)).isEqualTo(0xc1);
        assertThat(read(MSR)).isEqualTo(0xb0);
    }

    @Test
    void resetSilencesTheLine() {
        write(IER, 0x02);
        uart.reset();

        assertThat(irq.level).isFalse();
        assertThat(read(IER)).isZero();
        assertThat(read(IIR)).isEqualTo(1);
    }

    private void listenWithFifo(int fcr) {
        write(FCR, fcr);
        write(IER, 0x01);
    }

    private int read(int register) {
        return (int) uart.read(register, 1);
    }

    private void write(int register, int value) {
        uart.write(register, 1, value);
    }
}
