package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HostMemoryTest {
    private static final long MIB = 1 << 20;

    static Stream<HostMemory> everyKind() {
        HostMemory portable = new AllocatedMemory();
        return Platform.hasLinuxCalls() ? Stream.of(new MmapMemory(), portable) : Stream.of(portable);
    }

    @ParameterizedTest
    @MethodSource("everyKind")
    void aMappingIsPageAlignedZeroAndWritableToItsEnds(HostMemory memory) {
        for (HostMemory.Pages pages : HostMemory.Pages.values()) {
            try (Mapping mapping = memory.map(3 * MIB, pages)) {
                assertThat(mapping.address() % HostMemory.PAGE_SIZE).isZero();
                assertThat(mapping.sizeBytes()).isEqualTo(3 * MIB);
                for (long at = 0; at < mapping.sizeBytes(); at += 8) assertThat(Words.get64(mapping.address() + at)).isZero();
                long last = mapping.address() + mapping.sizeBytes() - 8;
                Words.put64(mapping.address(), 1);
                Words.put64(last, 0x0123456789abcdefL);
                assertThat(Words.get64(mapping.address())).isEqualTo(1);
                assertThat(Words.get8(last)).isEqualTo((byte) 0xef);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("everyKind")
    void aMappingClosedTwiceIsFreedOnceAndHasNoAddressAfterwards(HostMemory memory) {
        Mapping mapping = memory.map(HostMemory.PAGE_SIZE);
        mapping.close();
        mapping.close();
        assertThatThrownBy(mapping::address).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @MethodSource("everyKind")
    void aSizeThatIsNotWholePagesIsRefused(HostMemory memory) {
        for (long size : new long[] {0, -4096, 1, 4095, 4097}) {
            assertThatThrownBy(() -> memory.map(size)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("whole pages");
        }
    }

    @ParameterizedTest
    @MethodSource("everyKind")
    void moreThanTheAddressSpaceHoldsIsAHostExceptionThatSaysWhatWasTried(HostMemory memory) {
        long size = 1L << 62;
        assertThatThrownBy(() -> memory.map(size))
                .isInstanceOf(HostException.class)
                .hasMessageContaining("cannot map " + size + " bytes of memory")
                .hasMessageContaining("less memory");
    }

    @Test
    void aRefusedMmapKeepsItsErrno() {
        assumeTrue(Platform.hasLinuxCalls(), "mmap is called on Linux only");
        assertThatThrownBy(() -> new MmapMemory().map(1L << 62)).isInstanceOfSatisfying(HostException.class, refused -> {
            assertThat(refused.call()).isEqualTo("mmap");
            assertThat(refused.errno()).isEqualTo(Errno.ENOMEM);
            assertThat(refused).hasMessageContaining("ENOMEM (cannot allocate memory)");
        });
    }

    @Test
    void untouchedPagesOfAMappingTakeNoMemory() throws Exception {
        assumeTrue(Platform.hasLinuxCalls(), "pages come when touched on Linux only");
        long before = residentBytes();
        try (Mapping mapping = new MmapMemory().map(16L << 30)) {
            Words.put8(mapping.address() + (9L << 30), (byte) 1);
            assertThat(residentBytes() - before).isLessThan(256 * MIB);
        }
    }

    @Test
    void aMappingForHugePagesStartsWhereOneCan() {
        assumeTrue(Platform.hasLinuxCalls(), "huge pages are asked for on Linux only");
        try (Mapping mapping = new MmapMemory().map(4 * MIB, HostMemory.Pages.HUGE)) {
            assertThat(mapping.address() % (2 * MIB)).isZero();
        }
    }

    @Test
    void thisHostsMemoryIsMappedOnLinux() {
        assertThat(HostMemory.system()).isInstanceOf(Platform.hasLinuxCalls() ? MmapMemory.class : AllocatedMemory.class);
    }

    /// proc_pid_statm(5): the second number is the resident set in pages.
    private static long residentBytes() throws Exception {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * HostMemory.PAGE_SIZE;
    }
}
