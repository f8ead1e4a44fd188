package io.kahvem.jvm.semantics.sse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// MMX and SSE instructions do in the engine what they do in the host processor: through decoder and spinner, on random and boundary
/// operands.
///
/// An instruction is given as prefixes and opcode; ModRM (register forms and a memory form) and operands are added here.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SseHostTest {
    private static final int OPERANDS_PER_FORM = 400;

    /// Interesting elements of any width, several of them floats and doubles at the borders.
    private static final long[] BOUNDARIES = {
        0, -1, 1, 0x7f7f_7f7f_7f7f_7f7fL, 0x8080_8080_8080_8080L, 0x7fff_7fff_7fff_7fffL, 0x8000_8000_8000_8000L, 0x7fff_ffff_7fff_ffffL,
        0x8000_0000_8000_0000L, Long.MAX_VALUE, Long.MIN_VALUE, 0x0001_0002_0003_0004L, 15, 16, 31, 32, 63, 64, 0x0101_0101_0101_0101L,
        0xff00_ff00_ff00_ff00L
    };

    private HostCpu host;
    private EngineUnderTest guest;

    @BeforeAll
    void open() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux");
        host = HostCpu.open().orElseThrow();
        guest = new EngineUnderTest(host);
    }

    @AfterAll
    void close() {
        if (guest != null) guest.close();
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            movups 0f10
            movups-store 0f11
            movupd 660f10
            movupd-store 660f11
            movss f30f10
            movss-store f30f11
            movsd f20f10
            movsd-store f20f11
            movlps 0f12
            movsldup f30f12
            movddup f20f12
            unpcklps 0f14
            unpcklpd 660f14
            unpckhps 0f15
            unpckhpd 660f15
            movhps 0f16
            movshdup f30f16
            movaps 0f28
            movaps-store 0f29
            andps 0f54
            andnps 0f55
            orpd 660f56
            xorps 0f57
            punpcklbw 660f60
            punpcklwd 660f61
            punpckldq 660f62
            packsswb 660f63
            pcmpgtb 660f64
            pcmpgtw 660f65
            pcmpgtd 660f66
            packuswb 660f67
            punpckhbw 660f68
            punpckhwd 660f69
            punpckhdq 660f6a
            packssdw 660f6b
            punpcklqdq 660f6c
            punpckhqdq 660f6d
            movdqa 660f6f
            movdqu f30f6f
            pcmpeqb 660f74
            pcmpeqw 660f75
            pcmpeqd 660f76
            movq f30f7e
            movdqa-store 660f7f
            movdqu-store f30f7f
            psrlw 660fd1
            psrld 660fd2
            psrlq 660fd3
            paddq 660fd4
            pmullw 660fd5
            movq-store 660fd6
            psubusb 660fd8
            psubusw 660fd9
            pminub 660fda
            pand 660fdb
            paddusb 660fdc
            paddusw 660fdd
            pmaxub 660fde
            pandn 660fdf
            pavgb 660fe0
            psraw 660fe1
            psrad 660fe2
            pavgw 660fe3
            pmulhuw 660fe4
            pmulhw 660fe5
            psubsb 660fe8
            psubsw 660fe9
            pminsw 660fea
            por 660feb
            paddsb 660fec
            paddsw 660fed
            pmaxsw 660fee
            pxor 660fef
            psllw 660ff1
            pslld 660ff2
            psllq 660ff3
            pmuludq 660ff4
            pmaddwd 660ff5
            psadbw 660ff6
            psubb 660ff8
            psubw 660ff9
            psubd 660ffa
            psubq 660ffb
            paddb 660ffc
            paddw 660ffd
            paddd 660ffe
            pshufb 660f3800
            phaddw 660f3801
            phaddd 660f3802
            phaddsw 660f3803
            pmaddubsw 660f3804
            phsubw 660f3805
            phsubd 660f3806
            phsubsw 660f3807
            psignb 660f3808
            psignw 660f3809
            psignd 660f380a
            pmulhrsw 660f380b
            pblendvb 660f3810
            blendvps 660f3814
            blendvpd 660f3815
            ptest 660f3817
            pabsb 660f381c
            pabsw 660f381d
            pabsd 660f381e
            pmovsxbw 660f3820
            pmovsxbd 660f3821
            pmovsxbq 660f3822
            pmovsxwd 660f3823
            pmovsxwq 660f3824
            pmovsxdq 660f3825
            pmuldq 660f3828
            pcmpeqq 660f3829
            packusdw 660f382b
            pmovzxbw 660f3830
            pmovzxbd 660f3831
            pmovzxbq 660f3832
            pmovzxwd 660f3833
            pmovzxwq 660f3834
            pmovzxdq 660f3835
            pcmpgtq 660f3837
            pminsb 660f3838
            pminsd 660f3839
            pminuw 660f383a
            pminud 660f383b
            pmaxsb 660f383c
            pmaxsd 660f383d
            pmaxuw 660f383e
            pmaxud 660f383f
            pmulld 660f3840
            phminposuw 660f3841
            """)
    void onXmmRegistersAndMemory(String name, String opcode) {
        registerForms(opcode, -1);
        memoryForm(opcode, -1);
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            pshufd 660f70
            pshufhw f30f70
            pshuflw f20f70
            shufps 0fc6
            shufpd 660fc6
            blendps 660f3a0c
            blendpd 660f3a0d
            pblendw 660f3a0e
            palignr 660f3a0f
            insertps 660f3a21
            mpsadbw 660f3a42
            pinsrw 660fc4
            pinsrb 660f3a20
            pinsrd 660f3a22
            pinsrq 66480f3a22
            pextrb 660f3a14
            pextrw 660f3a15
            pextrd 660f3a16
            pextrq 66480f3a16
            extractps 660f3a17
            """)
    void withAnImmediate(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 40; n++) {
            int immediate = n < 20 ? n : random.nextInt(256);
            registerForms(opcode, immediate, 20);
            memoryForm(opcode, immediate, 10);
        }
    }

    @ParameterizedTest(name = "{0} {1} /{2}")
    @CsvSource(delimiter = ' ', textBlock = """
            psrlw 0f71 2
            psraw 0f71 4
            psllw 0f71 6
            psrld 0f72 2
            psrad 0f72 4
            pslld 0f72 6
            psrlq 0f73 2
            psrldq 0f73 3
            psllq 0f73 6
            pslldq 0f73 7
            """)
    void shiftByAnImmediate(String name, String opcode, int reg) {
        boolean alsoMmx = reg != 3 && reg != 7;
        for (int count = 0; count < 140; count++) {
            byte[] code = code("66" + opcode + "%02x%02x".formatted(0xc0 | reg << 3 | 1, count & 255));
            for (int n = 0; n < 5; n++) compare(code, random(new Random(count * 7L + n)), name);
            if (alsoMmx) compare(code(opcode + "%02x%02x".formatted(0xc0 | reg << 3 | 1, count & 255)), mmx(new Random(count)), name);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            punpcklbw 0f60
            punpcklwd 0f61
            punpckldq 0f62
            packsswb 0f63
            pcmpgtb 0f64
            packuswb 0f67
            punpckhbw 0f68
            punpckhwd 0f69
            punpckhdq 0f6a
            packssdw 0f6b
            movq 0f6f
            pcmpeqb 0f74
            movq-store 0f7f
            psrlw 0fd1
            psrlq 0fd3
            paddq 0fd4
            pmullw 0fd5
            pminub 0fda
            pand 0fdb
            pandn 0fdf
            psraw 0fe1
            pmulhw 0fe5
            paddsw 0fed
            pxor 0fef
            pslld 0ff2
            pmuludq 0ff4
            pmaddwd 0ff5
            psadbw 0ff6
            psubb 0ff8
            paddd 0ffe
            pshufb 0f3800
            phaddw 0f3801
            phsubd 0f3806
            psignb 0f3808
            pabsw 0f381d
            movd 0f6e
            movd-store 0f7e
            movq-general 480f6e
            """)
    void onMmxRegistersAndMemory(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        for (int modRm : new int[] {0xc1, 0xd3, 0x07}) {
            byte[] code = code(opcode + "%02x".formatted(modRm));
            for (int n = 0; n < OPERANDS_PER_FORM / 4; n++) compare(code, mmx(random), name);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            movd 660f6ec1
            movq 66480f6ec1
            movd-store 660f7ec1
            movq-store 66480f7ec1
            movd-memory 660f7e07
            movmskps 0f50c1
            movmskpd 660f50c1
            pmovmskb 660fd7c1
            pmovmskb-high 66450fd7c9
            pmovmskb-mmx 0fd7c1
            movdq2q f20fd6c1
            movq2dq f30fd6c1
            pextrw 660fc5c103
            pextrw-mmx 0fc5c102
            pinsrw-mmx 0fc4c102
            pshufw 0f70c11b
            pshufw-2 0f70c1b1
            palignr-mmx 0f3a0fc105
            palignr-mmx-2 0f3a0fc10b
            movlpd 660f1207
            movhpd 660f1607
            movlps-store 0f1307
            movhps-store 0f1707
            movhlps 0f12c1
            movntdq 660fe707
            movntps 0f2b07
            movntq 0fe707
            lddqu f20ff007
            movntdqa 660f382a07
            maskmovdqu 660ff7c1
            maskmovq 0ff7c1
            emms 0f77
            crc32b f20f38f0c1
            crc32-high-byte f20f38f0c5
            crc32b-rex f2400f38f0c5
            crc32w 66f20f38f1c1
            crc32d f20f38f1c1
            crc32q f2480f38f1c1
            crc32-memory f20f38f107
            high-registers 66450fefd3
            """)
    void exactly(String name, String bytes) {
        Random random = new Random(bytes.hashCode());
        for (int n = 0; n < 200; n++) compare(code(bytes), (n & 1) == 0 ? mmx(random) : random(random), name);
    }

    private void registerForms(String opcode, int immediate) {
        registerForms(opcode, immediate, OPERANDS_PER_FORM);
    }

    private void registerForms(String opcode, int immediate, int operands) {
        Random random = new Random(opcode.hashCode() + immediate);
        for (int modRm : new int[] {0xc1, 0xd2}) {
            byte[] code = code(opcode + "%02x".formatted(modRm) + (immediate < 0 ? "" : "%02x".formatted(immediate)));
            for (int n = 0; n < operands; n++) compare(code, random(random), opcode);
        }
    }

    private void memoryForm(String opcode, int immediate) {
        memoryForm(opcode, immediate, OPERANDS_PER_FORM / 4);
    }

    private void memoryForm(String opcode, int immediate, int operands) {
        Random random = new Random(opcode.hashCode() - immediate);
        byte[] code = code(opcode + "4f10" + (immediate < 0 ? "" : "%02x".formatted(immediate))); // [RDI + 16]
        for (int n = 0; n < operands; n++) compare(code, random(random), opcode);
    }

    static byte[] code(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    /// Random and boundary contents everywhere; RDI points to the data.
    private State random(Random random) {
        State s = new State();
        for (int n = 0; n < 16; n++) {
            if (n != 4) s.gpr[n] = lane(random);
            s.xmm(n, lane(random), lane(random));
        }
        s.gpr[7] = host.data();
        s.rflags = random.nextLong() & 0x8d5;
        for (int n = 0; n < 64; n += 8) s.data(n, lane(random));
        return s;
    }

    private State mmx(Random random) {
        State s = random(random);
        for (int n = 0; n < 8; n++) s.mmx(n, lane(random));
        s.fx[4] = (byte) random.nextInt();
        return s;
    }

    private static long lane(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> BOUNDARIES[random.nextInt(BOUNDARIES.length)];
            case 1 -> BOUNDARIES[random.nextInt(BOUNDARIES.length)] ^ 1L << random.nextInt(64);
            case 2 -> random.nextInt(80);
            default -> random.nextLong();
        };
    }

    private void compare(byte[] code, State in, String what) {
        State expected = host.run(in, code);
        State mine = guest.run(in, code);
        String differences = mine.differences(expected, 0);
        if (differences.isEmpty()) return;
        assertEquals("", differences, () -> "%s %s, from xmm1 %x:%x xmm2 %x:%x xmm0 %x:%x rcx %x mxcsr %x".formatted(
                what, HexFormat.of().formatHex(code), in.xmm(1, 1), in.xmm(1, 0), in.xmm(2, 1), in.xmm(2, 0), in.xmm(0, 1), in.xmm(0, 0),
                in.gpr[1], in.mxcsr()));
    }
}
