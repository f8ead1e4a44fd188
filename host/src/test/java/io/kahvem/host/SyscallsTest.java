package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every number is what a C program compiled with this host's headers says.
class SyscallsTest {
    @TempDir
    Path directory;

    /// An architecture chooses by `__ARCH_WANT` which of the generic header's calls it has.
    @ParameterizedTest
    @CsvSource({"amd64, asm/unistd_64.h", "aarch64, asm-generic/unistd.h"})
    void haveTheNumbersOfTheCHeaders(String arch, String header) throws Exception {
        var numbers = Syscalls.of(arch).orElseThrow().numbers();
        StringBuilder c = new StringBuilder("#define __ARCH_WANT_NEW_STAT\n#define __ARCH_WANT_SYS_CLONE3\n#include <stdio.h>\n");
        c.append("#include <").append(header).append(">\nint main(void) {\n");
        for (String name : numbers.keySet()) {
            c.append("#ifdef __NR_%1$s\nprintf(\"%1$s %%d\\n\", __NR_%1$s);\n".formatted(name));
            c.append("#else\nputs(\"%s is not there\");\n#endif\n".formatted(name));
        }
        Path source = Files.writeString(directory.resolve("numbers.c"), c.append("return 0; }\n"));
        Path program = directory.resolve("numbers");
        String compiled;
        try {
            compiled = run("cc", "-o", program.toString(), source.toString());
        } catch (IOException none) {
            skip("no C compiler: " + none.getMessage());
            return;
        }
        if (compiled.contains(header + ": No such file")) {
            skip("no " + header);
            return;
        }
        assertThat(program).as(compiled).exists();
        List<String> ours = numbers.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.toList());
        assertThat(run(program.toString()).lines()).containsExactlyInAnyOrderElementsOf(ours);
    }

    private static void skip(String reason) {
        System.out.println("system calls' numbers are not compared with C: " + reason);
        Assumptions.abort(reason);
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
