package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RBX;
import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RDX;

import io.kahvem.apic.LocalApic;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.semantics.sse.SaveArea;
import java.nio.charset.StandardCharsets;

/// CPUID (SDM Vol. 2A, Table 3-17): what this engine can do, and no more. A feature is listed when it works.
public final class Cpuid {
    /// MAXPHYADDR; the page walk uses the same.
    static final int PHYSICAL_BITS = 40;

    private static final int LINEAR_BITS = 48;
    private static final int MAX_BASIC = 0x16;
    private static final int HYPERVISOR = 0x4000_0000;
    private static final int EXTENDED = 0x8000_0000;
    private static final int MAX_EXTENDED = 0x8000_0008;

    /// Frequency of the crystal that the local APIC's timer counts and the TSC multiplies.
    private static final int CRYSTAL_HZ = 25_000_000;

    /// Family 6, model 8FH, stepping 4: recent enough that a Linux of 2022 looks for none of the older models' errata.
    public static final int SIGNATURE = 0x0008_06f4;

    private static final String BRAND = "Kahvem virtual x86-64 processor";

    private static final int FEATURES_1_ECX = 1 // SSE3
            | 1 << 9 // SSSE3
            | 1 << 12 // FMA
            | 1 << 13 // CMPXCHG16B
            | 1 << 19 // SSE4.1
            | 1 << 20 // SSE4.2
            | 1 << 21 // x2APIC
            | 1 << 22 // MOVBE
            | 1 << 23 // POPCNT
            | 1 << 24 // TSC-deadline
            | 1 << 26 // XSAVE
            | 1 << 28 // AVX
            | 1 << 29 // F16C
            | 1 << 30 // RDRAND
            | 1 << 31; // a hypervisor is present
    private static final int OSXSAVE = 1 << 27;

    private static final int FEATURES_1_EDX = 1 // x87
            | 1 << 2 // DE
            | 1 << 3 // PSE
            | 1 << 4 // TSC
            | 1 << 5 // MSR
            | 1 << 6 // PAE
            | 1 << 7 // MCE
            | 1 << 8 // CMPXCHG8B
            | 1 << 11 // SYSENTER
            | 1 << 12 // MTRR
            | 1 << 13 // PGE
            | 1 << 14 // MCA
            | 1 << 15 // CMOV
            | 1 << 16 // PAT
            | 1 << 17 // PSE-36
            | 1 << 19 // CLFLUSH
            | 1 << 23 // MMX
            | 1 << 24 // FXSR
            | 1 << 25 // SSE
            | 1 << 26; // SSE2
    private static final int APIC = 1 << 9;
    private static final int MULTITHREADED = 1 << 28;

    /// BHI_CTRL: a guest that mistrusts BHI_NO sets a bit instead of clearing a branch history that is not there at every system call.
    private static final int FEATURES_7_2_EDX = 1 << 4;

    private static final int FEATURES_7_EBX = 1 // FSGSBASE
            | 1 << 1 // TSC_ADJUST
            | 1 << 3 // BMI1
            | 1 << 13 // x87 environments have no segments
            | 1 << 5 // AVX2
            | 1 << 7 // SMEP
            | 1 << 8 // BMI2
            | 1 << 9 // ERMS
            | 1 << 18 // RDSEED
            | 1 << 19 // ADX
            | 1 << 20 // SMAP
            | 1 << 23 // CLFLUSHOPT
            | 1 << 24; // CLWB
    private static final int FEATURES_7_ECX = 1 << 2; // UMIP
    private static final int FEATURES_7_EDX = 1 << 4 // fast short REP MOVSB
            | 1 << 26 // IBRS, IBPB
            | 1 << 29 // ARCH_CAPABILITIES
            | 1 << 31; // SSBD

    private static final int FEATURES_EXTENDED_ECX = 1 // LAHF, SAHF in 64-bit code
            | 1 << 5 // LZCNT
            | 1 << 8; // PREFETCHW
    private static final int FEATURES_EXTENDED_EDX = 1 << 20 // NX
            | 1 << 26 // 1-GiB pages
            | 1 << 27 // RDTSCP
            | 1 << 29; // long mode

    /// The state components there are: x87, SSE, AVX.
    private static final int XCR0 = 7;

    private static final int XSAVE_FEATURES = 1 // XSAVEOPT
            | 1 << 1 // XSAVEC
            | 1 << 2; // XGETBV with ECX = 1

    private Cpuid() {}

    public static void cpuid(Cpu c, Insn i) {
        int leaf = (int) c.r[RAX];
        int subleaf = (int) c.r[RCX];
        boolean hypervisor = leaf >>> 28 == 4;
        int max = leaf < 0 ? MAX_EXTENDED : hypervisor ? HYPERVISOR : MAX_BASIC;
        // Beyond the last leaf comes the data of the last basic one.
        if (Integer.compareUnsigned(leaf, max) > 0) leaf = MAX_BASIC;
        switch (leaf) {
            case 0 -> vendor(c, MAX_BASIC, "GenuineIntel", true);
            case 1 -> {
                int ids = c.apicId << 24 | c.model.vcpus() << 16 & 0xff_0000 | 8 << 8; // 8: CLFLUSH flushes 64 bytes
                set(c, SIGNATURE, ids, FEATURES_1_ECX | osXsave(c), FEATURES_1_EDX | apic(c) | threads(c));
            }
            case 2 -> set(c, 0x00ff_ff01, 0, 0, 0); // see leaf 4
            case 4 -> cache(c, subleaf);
            case 6 -> set(c, 1 << 2, 0, 0, 0); // the APIC timer never stops
            case 7 -> {
                switch (subleaf) {
                    case 0 -> set(c, 2, FEATURES_7_EBX, FEATURES_7_ECX, FEATURES_7_EDX);
                    case 2 -> set(c, 0, 0, 0, FEATURES_7_2_EDX);
                    default -> set(c, 0, 0, 0, 0);
                }
            }
            case 0xb -> topology(c, subleaf);
            case 0xd -> {
                switch (subleaf) {
                    case 0 -> set(c, XCR0, SaveArea.bytes(c.xcr0), SaveArea.bytes(XCR0), 0);
                    case 1 -> set(c, XSAVE_FEATURES, SaveArea.bytes(c.xcr0), 0, 0);
                    case 2 -> set(c, SaveArea.YMM_BYTES, SaveArea.BYTES, 0, 0);
                    default -> set(c, 0, 0, 0, 0);
                }
            }
            case 0x15 -> tsc(c);
            case 0x16 -> set(c, (int) (c.model.tscKhz() / 1000), (int) (c.model.tscKhz() / 1000), 100, 0);
            case HYPERVISOR -> vendor(c, HYPERVISOR, "KahvemKahvem", false);
            case EXTENDED -> set(c, MAX_EXTENDED, 0, 0, 0);
            case EXTENDED + 1 -> {
                int syscall = c.code64() ? 1 << 11 : 0; // Intel's processors have it in 64-bit code only
                set(c, 0, 0, FEATURES_EXTENDED_ECX, FEATURES_EXTENDED_EDX | syscall);
            }
            case EXTENDED + 2, EXTENDED + 3, EXTENDED + 4 -> brand(c, leaf - EXTENDED - 2);
            case EXTENDED + 6 -> set(c, 0, 0, 0x0100_6040, 0); // 256 KiB of L2, 8 ways, lines of 64 bytes
            case EXTENDED + 7 -> set(c, 0, 0, 0, 1 << 8); // invariant TSC
            case EXTENDED + 8 -> set(c, LINEAR_BITS << 8 | PHYSICAL_BITS, 0, 0, 0);
            default -> set(c, 0, 0, 0, 0);
        }
    }

    private static void set(Cpu c, int eax, int ebx, int ecx, int edx) {
        c.r[RAX] = eax & 0xffff_ffffL;
        c.r[RBX] = ebx & 0xffff_ffffL;
        c.r[RCX] = ecx & 0xffff_ffffL;
        c.r[RDX] = edx & 0xffff_ffffL;
    }

    private static int osXsave(Cpu c) {
        return (c.cr4 & ControlBits.CR4_OSXSAVE) != 0 ? OSXSAVE : 0;
    }

    private static int apic(Cpu c) {
        return (c.apic.base() & LocalApic.BASE_ENABLE) != 0 ? APIC : 0;
    }

    private static int threads(Cpu c) {
        return c.model.vcpus() > 1 ? MULTITHREADED : 0;
    }

    /// Twelve letters: in EBX, EDX, ECX for leaf 0, in EBX, ECX, EDX for a hypervisor's.
    private static void vendor(Cpu c, int max, String letters, boolean basic) {
        int second = word(letters, 4);
        int third = word(letters, 8);
        set(c, max, word(letters, 0), basic ? third : second, basic ? second : third);
    }

    private static int word(String letters, int at) {
        byte[] bytes = letters.getBytes(StandardCharsets.US_ASCII);
        int word = 0;
        for (int n = 0; n < 4 && at + n < bytes.length; n++) word |= bytes[at + n] << 8 * n;
        return word;
    }

    private static void brand(Cpu c, int part) {
        int at = part * 16;
        set(c, word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12));
    }

    private static void cache(Cpu c, int subleaf) {
        int cores = (Integer.highestOneBit(Math.max(c.model.vcpus() * 2 - 1, 1)) - 1) << 26;
        int waysAndLine = 7 << 22 | 63;
        switch (subleaf) {
            case 0 -> set(c, cores | 1 << 8 | 1 << 5 | 1, waysAndLine, 63, 0); // L1 data, 32 KiB
            case 1 -> set(c, cores | 1 << 8 | 1 << 5 | 2, waysAndLine, 63, 0); // L1 instructions, 32 KiB
            case 2 -> set(c, cores | 1 << 8 | 2 << 5 | 3, waysAndLine, 511, 0); // L2, 256 KiB
            default -> set(c, 0, 0, 0, 0);
        }
    }

    /// One socket of single-threaded cores; x2APIC ids are theirs.
    private static void topology(Cpu c, int subleaf) {
        int shift = 32 - Integer.numberOfLeadingZeros(c.model.vcpus() - 1);
        switch (subleaf) {
            case 0 -> set(c, 0, 1, 1 << 8, c.apicId);
            case 1 -> set(c, shift, c.model.vcpus(), 2 << 8 | 1, c.apicId);
            default -> set(c, 0, 0, subleaf & 0xff, c.apicId);
        }
    }

    /// TSC frequency = crystal * EBX / EAX.
    private static void tsc(Cpu c) {
        long crystalKhz = CRYSTAL_HZ / 1000;
        long a = c.model.tscKhz();
        long b = crystalKhz;
        while (b != 0) {
            long rest = a % b;
            a = b;
            b = rest;
        }
        set(c, (int) (crystalKhz / a), (int) (c.model.tscKhz() / a), CRYSTAL_HZ, 0);
    }
}
