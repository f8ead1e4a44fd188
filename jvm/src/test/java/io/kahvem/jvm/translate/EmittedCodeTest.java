package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Opcodes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// What is emitted for some small regions is what someone has read and approved: the text files beside this class' resources.
///
/// After a change of the emitter `mvn -q -Dkahvem.fast -pl jvm -am test -Dtest=EmittedCodeTest -Dsurefire.failIfNoSpecifiedTests=false
/// -Dtest.more=-Dkahvem.test.approve=true` writes them anew; the difference is to be read before it is committed.
class EmittedCodeTest {
    private static final Plan.Bounds EVERYTHING = new Plan.Bounds(Translator.MOST_INSTRUCTIONS, Translator.MOST_PAGES, at -> true,
            at -> false, at -> true, page -> new int[0], at -> 0);

    private static final Path APPROVED = Path.of("src/test/resources/io/kahvem/jvm/translate");

    private static void isAsApproved(String name, Assembler code) {
        byte[] bytes = code.assembled();
        byte[] page = new byte[4096];
        System.arraycopy(bytes, 0, page, 0, bytes.length);
        Style style = new Style(true, true, true, true);
        Translator.Emitted emitted = Translator.emit(Surroundings.of(page), 0, new Decoder(Opcodes.map()), EVERYTHING, style);
        String text = BytecodeText.of(Objects.requireNonNull(emitted).classFile());
        Path file = APPROVED.resolve(name + ".txt");
        try {
            if (Boolean.getBoolean("kahvem.test.approve")) {
                Files.createDirectories(APPROVED);
                Files.writeString(file, text);
            }
            assertEquals(Files.readString(file), text, () -> name + " is emitted differently; see this test's comment");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aCountingLoop() {
        isAsApproved("counting-loop", new Assembler(0).label("next")
                .hex("4801c8 ffc9 75").to8("next") // add rax, rcx; dec ecx; jnz
                .hex("c3"));
    }

    @Test
    void aCopyByEightBytes() {
        isAsApproved("copy", new Assembler(0).label("next")
                .hex("488b06 488907 4883c608 4883c708") // mov rax, [rsi]; mov [rdi], rax; add rsi, 8; add rdi, 8
                .hex("4839d6 72").to8("next") // cmp rsi, rdx; jb
                .hex("c3"));
    }

    @Test
    void aFunctionThatCallsAnother() {
        isAsApproved("call", new Assembler(0)
                .hex("55 4889e5 e8").to32("other") // push rbp; mov rbp, rsp; call
                .hex("85c0 74").to8("zero").hex("ffc0").label("zero").hex("5d c3") // test eax, eax; jz; inc eax; pop rbp; ret
                .label("other").hex("31c0 c3")); // xor eax, eax; ret
    }

    @Test
    void aLockedAdditionWhoseFlagsAreSeen() {
        isAsApproved("locked", new Assembler(0).hex("f0480107 0f92c0 c3")); // lock add [rdi], rax; setc al; ret
    }

    @Test
    void aSumOfDoubles() {
        isAsApproved("doubles", new Assembler(0).label("next")
                .hex("f20f1006 f20f59c1 f20f58d0 4883c608 48ffc9 75").to8("next") // movsd xmm0, [rsi]; mulsd xmm0, xmm1; addsd xmm2, xmm0
                .hex("c3"));
    }

    @Test
    void anOperationThatTakesTheWholeInstruction() {
        isAsApproved("whole", new Assembler(0).hex("480fc7 0f 75").to8("end").hex("0fa2").label("end").hex("c3")); // cmpxchg16b; jnz; cpuid
    }
}
