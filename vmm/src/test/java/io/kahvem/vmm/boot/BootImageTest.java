package io.kahvem.vmm.boot;

import static io.kahvem.vmm.boot.Images.concat;
import static io.kahvem.vmm.boot.Images.filled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.config.Boot;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootImageTest {
    private static final long MIB = 1 << 20;
    private static final long RSDP = 0xf_0000;
    private static final long LINUX_AT = 0x100_0000;
    private static final long LINUX_VIRTUAL = 0xffff_ffff_8100_0000L;
    private static final byte[] TEXT = filled(5000, 0x11);
    private static final byte[] LINUX =
            Images.elf64(
                    LINUX_AT,
                    new byte[0],
                    new Images.Load(LINUX_VIRTUAL, LINUX_AT, TEXT, 5000),
                    new Images.Load(0, LINUX_AT + 0x2000, filled(10, 0x22), 9000));

    @TempDir
    Path directory;

    private GuestMemory memory = new GuestMemory();
    private MemoryLayout layout = MemoryLayout.of(64 * MIB);

    @AfterEach
    void free() {
        memory.close();
    }

    // Linux

    @Test
    void linuxIsUnpackedToItsPhysicalAddressesAndEnteredInLongMode() throws IOException {
        CpuState state = load(Images.bzImage(PayloadTest.lz4(literals(LINUX)), LINUX.length), null, "console=ttyS0");
        assertThat(bytes(LINUX_AT, 5000)).isEqualTo(TEXT);
        assertThat(bytes(LINUX_AT + 0x2000, 12)).isEqualTo(concat(filled(10, 0x22), new byte[2]));
        assertThat(state.rip).isEqualTo(LINUX_AT);
        assertThat(state.cr0 & 0x8000_0001L).isEqualTo(0x8000_0001L);
        assertThat(state.cr4 & 0x20).isEqualTo(0x20);
        assertThat(state.msrs).containsEntry(0xc000_0080, 0x500L);
        assertThat(state.rflags & 0x200).isZero();
        assertThat(state.segments[CpuState.CS].selector()).isEqualTo(0x10);
        assertThat(state.segments[CpuState.CS].attributes()).isEqualTo(0xa09b);
        assertThat(state.segments[CpuState.DS].selector()).isEqualTo(0x18);
        assertThat(memory.read64(state.gdtr.base() + 0x10)).isEqualTo(0x00af_9b00_0000_ffffL);
    }

    @Test
    void theIdentityMapReachesFourGigabytes() throws IOException {
        CpuState state = load(Images.bzImage(LINUX, LINUX.length), null, "");
        for (long address : new long[] {0, LINUX_AT, 0xbfff_f000L, 0xffff_f000L}) {
            long pointers = memory.read64(state.cr3) & ~0xfffL;
            long directory = memory.read64(pointers + 8 * (address >>> 30)) & ~0xfffL;
            long page = memory.read64(directory + 8 * (address >>> 21 & 511));
            assertThat(page).isEqualTo(address & ~0x1f_ffffL | 0x83);
        }
    }

    @Test
    void bootParamsTellTheCommandLineTheMemoryAcpiAndTheInitrd() throws IOException {
        byte[] initrd = filled(10_000, 0x33);
        CpuState state = load(Images.bzImage(LINUX, LINUX.length), file("initrd", initrd), "quiet \u00fc");
        long params = state.gpr[6];
        assertThat(params & 0xfff).isZero();
        assertThat(memory.read32(params + 0x202)).isEqualTo(0x5372_6448);
        assertThat(memory.read8(params + 0x210)).isEqualTo(0xff);
        assertThat(memory.read64(params + 0x70)).isEqualTo(RSDP);
        assertThat(string(memory.read32(params + 0x228))).isEqualTo("quiet \u00fc");
        long ramdisk = memory.read32(params + 0x218);
        assertThat(ramdisk).isEqualTo(64 * MIB - 3 * 4096);
        assertThat(memory.read32(params + 0x21c)).isEqualTo(10_000);
        assertThat(bytes(ramdisk, 10_000)).isEqualTo(initrd);
        int entries = memory.read8(params + 0x1e8);
        assertThat(entries).isEqualTo(4);
        assertThat(memory.read64(params + 0x2d0 + 60)).isEqualTo(MIB);
        assertThat(memory.read64(params + 0x2d0 + 68)).isEqualTo(63 * MIB);
        assertThat(memory.read32(params + 0x2d0 + 76)).isEqualTo(1);
    }

    @Test
    void theGuestGetsASeedForItsRandomNumbers() throws IOException {
        CpuState state = load(Images.bzImage(LINUX, LINUX.length), null, "");
        long data = memory.read64(state.gpr[6] + 0x250);
        assertThat(memory.read32(data + 8)).isEqualTo(9);
        assertThat(memory.read32(data + 12)).isEqualTo(4);
        assertThat(bytes(data + 16, 4)).containsExactly(1, 2, 3, 4);
    }

    @Test
    void aThirtyTwoBitLinuxIsEnteredInProtectedMode() throws IOException {
        byte[] kernel = Images.elf32(LINUX_AT, new Images.Load(0xc100_0000L, LINUX_AT, TEXT, 5000));
        CpuState state = load(Images.bzImage(kernel, kernel.length), null, "");
        assertThat(state.rip).isEqualTo(LINUX_AT);
        assertThat(state.cr0 & 0x8000_0001L).isEqualTo(1);
        assertThat(memory.read32(state.gpr[6] + 0x202)).isEqualTo(0x5372_6448);
    }

    @Test
    void aKernelPackedWithBzip2UnpacksItself() throws IOException {
        byte[] image = Images.bzImage("BZh9 and so on".getBytes(StandardCharsets.US_ASCII), 5);
        CpuState state = load(image, null, "");
        assertThat(state.rip).isEqualTo(MIB);
        assertThat(state.cr0 & 0x8000_0001L).isEqualTo(1);
        assertThat(bytes(MIB, 0x40)).isEqualTo(filled(0x40, 0x90));
        assertThat(memory.read32(state.gpr[6] + 0x214)).isEqualTo((int) MIB);
    }

    /// As memtest86+ is.
    @Test
    void anImageThatTellsOfNoPayloadIsEnteredAsItIs() throws IOException {
        byte[] image = Images.bzImage(new byte[100], 100);
        Bytes.put32(image, 0x248, 0);
        Bytes.put32(image, 0x24c, 0);
        CpuState state = load(image, null, "console=ttyS0,115200");
        assertThat(state.rip).isEqualTo(MIB);
        assertThat(bytes(MIB, 0x40)).isEqualTo(filled(0x40, 0x90));
        assertThat(string(memory.read32(state.gpr[6] + 0x228))).isEqualTo("console=ttyS0,115200");
    }

    @Test
    void aSecondLoadOverADirtyMemoryClearsWhatTheFirstOneDid() throws IOException {
        try (BootImage image = open(Images.bzImage(LINUX, LINUX.length), null, "")) {
            BootTarget target = target();
            image.load(target);
            memory.write(LINUX_AT, filled(0x4000, 0xee));
            image.load(target);
            assertThat(bytes(LINUX_AT, 5000)).isEqualTo(TEXT);
            assertThat(bytes(LINUX_AT + 0x2000 + 10, 8990)).isEqualTo(new byte[8990]);
        }
    }

    @Test
    void aTruncatedBzImageIsToldBeforeAnythingIsLoaded() throws IOException {
        byte[] image = Images.bzImage(LINUX, LINUX.length);
        for (int length : new int[] {0, 1, 0x201, 0x206, 0x250, 5 * 512, image.length - 1}) refused(Arrays.copyOf(image, length), null, "");
        refusedSaying(Arrays.copyOf(image, image.length - 1), "truncated");
    }

    @Test
    void aDamagedPayloadIsTold() throws IOException {
        byte[] lz4 = PayloadTest.lz4(literals(LINUX));
        refusedSaying(Images.bzImage(Arrays.copyOf(lz4, lz4.length - 100), LINUX.length), "LZ4");
        refusedSaying(Images.bzImage(new byte[100], LINUX.length), "packed in an unknown way");
        refusedSaying(Images.bzImage(PayloadTest.lz4(literals("no ELF".getBytes(StandardCharsets.US_ASCII))), 6), "not an ELF");
        refusedSaying(Images.bzImage(Arrays.copyOf(LINUX, LINUX.length - 3), LINUX.length), "truncated");
    }

    @Test
    void anOldBootProtocolIsRefused() throws IOException {
        byte[] image = Images.bzImage(LINUX, LINUX.length);
        Bytes.put16(image, 0x206, 0x204);
        refusedSaying(image, "protocol 2.04");
    }

    @Test
    void anInitrdLargerThanMemoryIsToldWithHowMuchWouldDo() throws IOException {
        Path initrd = file("initrd", new byte[0]);
        try (var big = new RandomAccessFile(initrd.toFile(), "rw")) {
            big.setLength(100 * MIB);
        }
        assertThatThrownBy(() -> load(Images.bzImage(LINUX, LINUX.length), initrd, ""))
                .isInstanceOf(BootException.class)
                .hasMessageContaining("initrd").hasMessageContaining("100 MiB").hasMessageContaining("--memory 256M");
    }

    @Test
    void tooLittleMemoryForTheKernelIsToldWithHowMuchWouldDo() throws IOException {
        layout = MemoryLayout.of(8 * MIB);
        assertThatThrownBy(() -> load(Images.bzImage(LINUX, LINUX.length), null, ""))
                .isInstanceOf(BootException.class).hasMessageContaining("--memory 64M");
    }

    @Test
    void aCommandLineLongerThanTheKernelTakesIsRefused() throws IOException {
        assertThatThrownBy(() -> load(Images.bzImage(LINUX, LINUX.length), null, "x".repeat(256)))
                .isInstanceOf(BootException.class)
                .hasMessageContaining("256").hasMessageContaining("255");
    }

    @Test
    void absentFilesAreNamed() throws IOException {
        assertThatThrownBy(() -> BootImage.open(new Boot.Kernel(directory.resolve("nowhere"), Optional.empty(), "")))
                .isInstanceOf(BootException.class).hasMessageContaining("nowhere").hasMessageContaining("no such file");
        assertThatThrownBy(() -> load(Images.bzImage(LINUX, LINUX.length), directory.resolve("no-initrd"), ""))
                .isInstanceOf(BootException.class).hasMessageContaining("no-initrd");
        assertThatThrownBy(() -> BootImage.open(new Boot.Kernel(directory, Optional.empty(), "")))
                .isInstanceOf(BootException.class).hasMessageContaining("regular file");
    }

    @Test
    void whatIsNoKernelIsToldWithItsFirstBytes() throws IOException {
        refusedSaying("#!/bin/sh\n".getBytes(StandardCharsets.US_ASCII), "23 21 2f 62");
        refusedSaying(new byte[0], "empty");
    }

    // PVH

    @Test
    void anElfWithAPvhNoteIsEnteredThere() throws IOException {
        byte[] elf = Images.elf64(LINUX_VIRTUAL, Images.pvhNote(LINUX_AT + 0x10), new Images.Load(LINUX_VIRTUAL, LINUX_AT, TEXT, 6000));
        CpuState state = load(elf, file("initrd", filled(100, 0x44)), "a b");
        assertThat(state.rip).isEqualTo(LINUX_AT + 0x10);
        assertThat(state.cr0 & 0x8000_0001L).isEqualTo(1);
        assertThat(state.segments[CpuState.CS].attributes()).isEqualTo(0xc09b);
        long info = state.gpr[3];
        assertThat(memory.read32(info)).isEqualTo(0x336e_c578);
        assertThat(memory.read32(info + 4)).isEqualTo(1);
        assertThat(memory.read32(info + 12)).isEqualTo(1);
        long module = memory.read64(info + 16);
        assertThat(bytes(memory.read64(module), (int) memory.read64(module + 8))).isEqualTo(filled(100, 0x44));
        assertThat(string(memory.read64(info + 24))).isEqualTo("a b");
        assertThat(memory.read64(info + 32)).isEqualTo(RSDP);
        assertThat(memory.read32(info + 48)).isEqualTo(4);
        assertThat(memory.read64(memory.read64(info + 40) + 72 + 8)).isEqualTo(63 * MIB);
    }

    @Test
    void anElfWithoutANoteIsRefused() throws IOException {
        refusedSaying(LINUX, "PVH");
    }

    @Test
    void truncatedOrForeignElfFilesAreRefused() throws IOException {
        byte[] elf = Images.elf64(0, Images.pvhNote(LINUX_AT), new Images.Load(LINUX_VIRTUAL, LINUX_AT, TEXT, 6000));
        for (int length : new int[] {4, 63, 64, 100, 500}) refused(Arrays.copyOf(elf, length), null, "");
        byte[] foreign = elf.clone();
        Bytes.put16(foreign, 18, 183);
        refusedSaying(foreign, "another processor");
        byte[] outside = Images.elf64(0, Images.pvhNote(LINUX_AT), new Images.Load(0, 0x9_0000, filled(0x2_0000, 1), 0x2_0000));
        refusedSaying(outside, "not RAM");
    }

    // Multiboot

    @Test
    void aMultibootElfGetsItsInformationAndModules() throws IOException {
        byte[] elf = Images.elf32(MIB + 0x20, new Images.Load(MIB, MIB, concat(multibootHeader(3), filled(100, 0x55)), 0x3000));
        Path one = file("one", filled(5000, 0x66));
        Path two = file("two", filled(10, 0x77));
        CpuState state = loadText(elf, one + " first one," + two, "opt=1");
        assertThat(state.gpr[0]).isEqualTo(0x2bad_b002L);
        assertThat(state.rip).isEqualTo(MIB + 0x20);
        long info = state.gpr[3];
        assertThat(memory.read32(info)).isEqualTo(1 | 4 | 8 | 0x40 | 0x200);
        assertThat(memory.read32(info + 4)).isEqualTo(639);
        assertThat(memory.read32(info + 8)).isEqualTo(63 * 1024);
        assertThat(string(memory.read32(info + 16))).endsWith("kernel opt=1");
        assertThat(memory.read32(info + 20)).isEqualTo(2);
        long mods = memory.read32(info + 24);
        long start = memory.read32(mods);
        assertThat(start & 0xfff).isZero();
        assertThat(memory.read32(mods + 4) - start).isEqualTo(5000);
        assertThat(bytes(start, 5000)).isEqualTo(filled(5000, 0x66));
        assertThat(string(memory.read32(mods + 8))).isEqualTo(one + " first one");
        assertThat(bytes(memory.read32(mods + 16), 10)).isEqualTo(filled(10, 0x77));
        assertThat(memory.read32(info + 44)).isEqualTo(4 * 24);
        assertThat(memory.read32(memory.read32(info + 48))).isEqualTo(20);
        assertThat(string(memory.read32(info + 64))).isEqualTo("kahvem");
    }

    @Test
    void loadAddressesInTheHeaderNeedNoElf() throws IOException {
        byte[] header = new byte[32];
        System.arraycopy(multibootHeader(1 << 16), 0, header, 0, 12);
        Bytes.put32(header, 12, MIB + 8);
        Bytes.put32(header, 16, MIB);
        Bytes.put32(header, 20, MIB + 8 + 32 + 16);
        Bytes.put32(header, 24, MIB + 0x1000);
        Bytes.put32(header, 28, MIB + 40);
        byte[] image = concat(new byte[8], header, filled(16, 0x99), filled(7, 0xaa));
        CpuState state = load(image, null, "");
        assertThat(state.rip).isEqualTo(MIB + 40);
        assertThat(bytes(MIB + 40, 17)).isEqualTo(concat(filled(16, 0x99), new byte[1]));
        refusedSaying(Arrays.copyOf(image, 50), "truncated");
    }

    @Test
    void aKernelInConventionalMemoryKeepsItsTablesOutOfTheWay() throws IOException {
        byte[] code = concat(multibootHeader(0), filled(0x7_0000, 0x5a));
        CpuState state = load(Images.elf32(0x1_0000, new Images.Load(0x1_0000, 0x1_0000, code, code.length)), null, "");
        assertThat(state.gpr[3]).isGreaterThanOrEqualTo(MIB);
        assertThat(bytes(0x1_0000, code.length)).isEqualTo(code);
    }

    @Test
    void featuresAKernelRequiresAndNobodyKnowsAreRefused() throws IOException {
        refusedSaying(Images.elf32(MIB, new Images.Load(MIB, MIB, multibootHeader(0x8000), 12)), "0x8000");
    }

    @Test
    void moduleListsAreSplitAtSingleCommas() {
        Boot.Kernel boot = new Boot.Kernel(Path.of("k"), Optional.of("a x, b,,c y"), "");
        assertThat(boot.modules()).extracting(Boot.Module::text).containsExactly("a x", "b,c y");
        assertThat(boot.modules()).extracting(Boot.Module::file).containsExactly(Path.of("a"), Path.of("b,c"));
        assertThat(new Boot.Kernel(Path.of("k"), Optional.empty(), "").modules()).isEmpty();
    }

    // The map

    @Test
    void memoryBeyondTwoGigabytesIsAboveFour() {
        MemoryLayout large = MemoryLayout.of(5L << 30);
        assertThat(large.lowBytes()).isEqualTo(2L << 30);
        assertThat(large.highBytes()).isEqualTo(3L << 30);
        assertThat(large.regions()).last().isEqualTo(new MemoryLayout.Region(4L << 30, 3L << 30, MemoryLayout.Type.USABLE));
        assertThat(large.isUsable(0x9_f000, 0x1000)).isFalse();
        assertThat(large.isUsable(MIB, (2L << 30) - MIB)).isTrue();
    }

    private static byte[] multibootHeader(int flags) {
        byte[] header = new byte[12];
        Bytes.put32(header, 0, 0x1bad_b002);
        Bytes.put32(header, 4, flags);
        Bytes.put32(header, 8, -(0x1bad_b002 + flags));
        return header;
    }

    /// An LZ4 block that is `bytes` and nothing else.
    private static byte[] literals(byte[] bytes) {
        if (bytes.length < 15) return concat(new byte[] {(byte) (bytes.length << 4)}, bytes);
        int rest = bytes.length - 15;
        return concat(new byte[] {(byte) 0xf0}, filled(rest / 255, 255), new byte[] {(byte) (rest % 255)}, bytes);
    }

    private CpuState load(byte[] kernel, @Nullable Path initrd, String commandLine) throws IOException {
        return loadText(kernel, initrd == null ? null : initrd.toString(), commandLine);
    }

    private CpuState loadText(byte[] kernel, @Nullable String initrd, String commandLine) throws IOException {
        try (BootImage image = open(kernel, initrd, commandLine)) {
            return image.load(target());
        }
    }

    private BootImage open(byte[] kernel, @Nullable String initrd, String commandLine) throws IOException {
        return BootImage.open(new Boot.Kernel(file("kernel", kernel), Optional.ofNullable(initrd), commandLine));
    }

    private BootTarget target() {
        memory.close();
        memory = new GuestMemory();
        memory.add(0, HostMemory.system().map(layout.lowBytes()), false);
        return new BootTarget(memory, layout, RSDP, new byte[] {1, 2, 3, 4});
    }

    private void refused(byte[] kernel, @Nullable Path initrd, String commandLine) {
        assertThatThrownBy(() -> load(kernel, initrd, commandLine))
                .isInstanceOf(BootException.class).hasMessageContaining(directory.toString());
    }

    private void refusedSaying(byte[] kernel, String text) {
        assertThatThrownBy(() -> load(kernel, null, "")).isInstanceOf(BootException.class).hasMessageContaining(text);
    }

    private Path file(String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    private byte[] bytes(long gpa, int count) {
        byte[] result = new byte[count];
        memory.read(gpa, result, 0, count);
        return result;
    }

    private String string(long gpa) {
        int length = 0;
        while (memory.read8(gpa + length) != 0) length++;
        return new String(bytes(gpa, length), StandardCharsets.UTF_8);
    }
}
