package io.kahvem.devices.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.devices.IoDevice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IoBusTest {
    private final IoBus bus = new IoBus("ports");
    private final List<String> log = new ArrayList<>();

    @Test
    void anAccessReachesItsDeviceAtTheOffsetInsideTheWindow() {
        bus.add("a", 0x100, 0x10, device("a", 8));
        bus.add("b", 0x80, 0x10, device("b", 8));
        bus.add("c", 0x110, 0x10, device("c", 8));

        bus.write(0x104, 2, 0x1_2345);
        bus.read(0x8f, 1);
        bus.read(0x110, 4);

        assertThat(log).containsExactly("a w4/2=2345", "b r15/1", "c r0/4");
        assertThat(bus.unclaimedReads() + bus.unclaimedWrites()).isZero();
    }

    @Test
    void whereNothingAnswersAReadGivesAllOnesOfItsSizeAndIsCounted() {
        assertThat(bus.read(0x70, 1)).isEqualTo(0xff);
        assertThat(bus.read(0x70, 2)).isEqualTo(0xffff);
        assertThat(bus.read(0x70, 4)).isEqualTo(0xffff_ffffL);
        assertThat(bus.read(0xf000_0000L, 8)).isEqualTo(-1L);
        bus.write(0x70, 4, 1);

        assertThat(bus.unclaimedReads()).isEqualTo(4);
        assertThat(bus.unclaimedWrites()).isEqualTo(1);
    }

    @Test
    void aReadIsCutToItsSize() {
        bus.add("open", 0, 4, new IoDevice() {
            @Override
            public long read(long offset, int size) {
                return OPEN_BUS;
            }

            @Override
            public void write(long offset, int size, long value) {}
        });

        assertThat(bus.read(0, 2)).isEqualTo(0xffff);
    }

    @Test
    void aWideAccessToAByteWideDeviceIsDoneByteByByteFromTheLowest() {
        bus.add("bytes", 0x20, 4, device("bytes", 1));

        bus.write(0x20, 4, 0x04030201);
        assertThat(bus.read(0x20, 2)).isEqualTo(0x0100);

        assertThat(log).containsExactly("bytes w0/1=1", "bytes w1/1=2", "bytes w2/1=3", "bytes w3/1=4", "bytes r0/1", "bytes r1/1");
    }

    @Test
    void anAccessAcrossTheEndOfAWindowIsSharedOut() {
        bus.add("a", 0x10, 2, device("a", 8));
        bus.add("b", 0x12, 1, device("b", 8));

        assertThat(bus.read(0x10, 4)).isEqualTo(0xff00_0000L);
        assertThat(bus.read(0x0f, 2)).isEqualTo(0x00ff);

        assertThat(log).containsExactly("a r0/2", "b r0/1", "a r0/1");
        assertThat(bus.unclaimedReads()).isZero();
    }

    @Test
    void overlappingAndEmptyWindowsAreRefused() {
        bus.add("a", 0x10, 8, device("a", 8));

        assertThatThrownBy(() -> bus.add("b", 0x17, 1, device("b", 8)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("overlaps that of a");
        assertThatThrownBy(() -> bus.add("b", 0x08, 0x100, device("b", 8))).hasMessageContaining("overlaps");
        assertThatThrownBy(() -> bus.add("b", 0x30, 0, device("b", 8))).hasMessageContaining("length 0");
        bus.add("b", 0x18, 8, device("b", 8));
    }

    @Test
    void claimsYieldToWhatTheBoardHasAndToEarlierClaimsUntilTheseAreGone() {
        bus.add("board", 0x20, 0x10, device("board", 8));
        IoBus.Claim first = bus.claim("first", 0x00, 0x100, device("first", 8));
        IoBus.Claim second = bus.claim("second", 0x80, 0x100, device("second", 8));

        bus.read(0x1f, 1);
        bus.read(0x24, 1);
        bus.read(0x30, 1);
        bus.read(0x80, 1);
        bus.read(0x100, 1);
        bus.release(first);
        bus.release(first);
        bus.read(0x80, 1);
        bus.remove(0x20);
        bus.release(second);
        bus.read(0x24, 1);

        assertThat(log).containsExactly("first r31/1", "board r4/1", "first r48/1", "first r128/1", "second r128/1", "second r0/1");
        assertThat(bus.unclaimedReads()).isEqualTo(1);
    }

    @Test
    void aRemovedWindowIsOpenBusAgain() {
        bus.add("a", 0x10, 8, device("a", 8));
        bus.remove(0x10);
        bus.remove(0x10);

        assertThat(bus.read(0x10, 1)).isEqualTo(0xff);
    }

    /// Reads give the offset.
    private IoDevice device(String name, int widest) {
        return new IoDevice() {
            @Override
            public long read(long offset, int size) {
                log.add("%s r%d/%d".formatted(name, offset, size));
                return offset;
            }

            @Override
            public void write(long offset, int size, long value) {
                log.add("%s w%d/%d=%x".formatted(name, offset, size, value));
            }

            @Override
            public int widestAccess() {
                return widest;
            }
        };
    }
}
