package io.kahvem.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.kvm.abi.Capability;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Fields;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Structs;
import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every layout, request number and constant is what a C program compiled with this host's headers says.
class LayoutTest {
    @TempDir
    Path directory;

    /// What C is asked, as an expression, and what Java says to it.
    private final Map<String, Long> expected = new LinkedHashMap<>();

    @Test
    void isThatOfTheCHeaders() throws Exception {
        for (StructLayout layout : Structs.WHOLE) {
            expected.put("sizeof(struct " + layout.name().orElseThrow() + ")", layout.byteSize());
            fields(layout, layout);
        }
        fields(Structs.RUN, Structs.RUN);
        for (Request request : Request.values()) expected.put(request.name(), request.number);
        for (Capability capability : Capability.values()) expected.put("KVM_CAP_" + capability, (long) capability.number);
        for (Field constant : Constants.class.getDeclaredFields()) expected.put(constant.getName(), (long) constant.getInt(null));

        List<String> answers = compileAndRun();
        List<String> mine = new ArrayList<>();
        int unknown = 0;
        for (var e : expected.entrySet()) {
            String missing = e.getKey() + " is not in these headers";
            if (answers.contains(missing)) {
                unknown++;
                mine.add(missing);
            } else {
                mine.add(e.getKey() + " " + e.getValue());
            }
        }
        List<String> wrong = new ArrayList<>(mine);
        wrong.removeAll(answers);
        assertThat(wrong).as("what Java has and C has not").isEmpty();
        assertThat(answers).hasSameSizeAs(mine);
        assertThat(unknown).as("numbers newer than the headers").isLessThan(10);
    }

    private void fields(StructLayout of, GroupLayout group, String... path) {
        for (MemoryLayout member : group.memberLayouts()) {
            if (member instanceof PaddingLayout) continue;
            if (member.name().isEmpty()) {
                fields(of, (GroupLayout) member, path);
                continue;
            }
            List<String> steps = new ArrayList<>(List.of(path));
            steps.add(member.name().get());
            String name = String.join(".", steps);
            Fields.Field field = Fields.find(of, name);
            boolean ours = name.startsWith("padding") || name.equals("pad"); // reserved bytes, named differently by the kernel's versions
            if (!ours) {
                String c = "struct " + of.name().orElseThrow();
                expected.put("offsetof(%s, %s)".formatted(c, name), field.offset());
                expected.put("sizeof(((%s *) 0)->%s)".formatted(c, name), field.layout().byteSize());
            }
            switch (member) {
                case GroupLayout inner -> fields(of, inner, steps.toArray(String[]::new));
                case SequenceLayout array when array.elementLayout() instanceof GroupLayout inner -> {
                    steps.set(steps.size() - 1, member.name().get() + "[1]");
                    fields(of, inner, steps.toArray(String[]::new));
                }
                default -> {}
            }
        }
    }

    private List<String> compileAndRun() throws IOException, InterruptedException {
        StringBuilder c = new StringBuilder("#include <linux/kvm.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
        for (String expression : expected.keySet()) {
            boolean macro = expression.startsWith("KVM_");
            String print = "printf(\"%%s %%lu\\n\", \"%s\", (unsigned long) (%s));\n".formatted(expression, expression);
            if (macro) {
                c.append("#ifdef ").append(expression).append('\n').append(print).append("#else\nputs(\"").append(expression)
                        .append(" is not in these headers\");\n#endif\n");
            } else {
                c.append(print);
            }
        }
        Path source = Files.writeString(directory.resolve("layout.c"), c.append("return 0; }\n"));
        Path program = directory.resolve("layout");
        String compiled;
        try {
            compiled = run("cc", "-o", program.toString(), source.toString());
        } catch (IOException none) {
            return skip("no C compiler: " + none.getMessage());
        }
        if (compiled.contains("linux/kvm.h: No such file")) return skip("no linux/kvm.h");
        assertThat(program).as(compiled).exists();
        return run(program.toString()).lines().toList();
    }

    private static List<String> skip(String reason) {
        System.out.println("layouts are not compared with C: " + reason);
        Assumptions.abort(reason);
        return List.of();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
