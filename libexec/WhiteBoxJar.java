import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Writes a jar with the class through which HotSpot lets its compilers be asked (docs/design/translator.md):
/// `jdk.test.whitebox.WhiteBox`, which a JVM started with `-XX:+UnlockDiagnosticVMOptions -XX:+WhiteBoxAPI -Xbootclasspath/a:JAR` gives
/// its native methods. They differ from one JDK to the next, and HotSpot prints a line for each that the class lacks; so a class without
/// any is tried first, and those lines tell what the jar's has to have.
///
/// ```
/// java WhiteBoxJar.java JAR
/// ```
///
/// It exits with 1, and writes nothing, where this JDK has no such interface.
public final class WhiteBoxJar {
    private static final ClassDesc WHITE_BOX = ClassDesc.of("jdk.test.whitebox.WhiteBox");
    private static final Pattern MISSING = Pattern.compile("Warning: 'NoSuchMethodError' on register of \\S+::(\\w+)(\\(\\S*)");
    private static final Set<String> NEEDED = Set.of("enqueueMethodForCompilation0", "getMethodCompilationLevel0", "addCompilerDirective",
            "setBooleanVMFlag");

    private record Native(String name, MethodTypeDesc type) {}

    private WhiteBoxJar() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length == 0) { // the JVM that tries a jar
            try {
                Class.forName("jdk.test.whitebox.WhiteBox", true, null);
            } catch (ReflectiveOperationException e) {
                throw new LinkageError("no WhiteBox", e);
            }
            return;
        }
        Path jar = Path.of(args[0]);
        Path trial = Path.of(args[0] + ".new");
        try {
            write(trial, Set.of());
            Set<Native> natives = missing(trial);
            for (String name : NEEDED) {
                if (natives.stream().noneMatch(each -> each.name.equals(name))) fail("this JDK's WhiteBox has no " + name);
            }
            write(trial, natives);
            if (!missing(trial).isEmpty()) fail("HotSpot still misses methods");
            Files.move(trial, jar);
        } finally {
            Files.deleteIfExists(trial);
        }
    }

    private static void fail(String why) {
        System.err.println(why);
        System.exit(1);
    }

    private static void write(Path jar, Set<Native> natives) throws IOException {
        byte[] bytes = ClassFile.of().build(WHITE_BOX, type -> {
            type.withFlags(ClassFile.ACC_PUBLIC | ClassFile.ACC_FINAL);
            int flags = ClassFile.ACC_STATIC | ClassFile.ACC_NATIVE;
            type.withMethod("registerNatives", ConstantDescs.MTD_void, flags | ClassFile.ACC_PRIVATE, method -> {});
            type.withMethodBody(ConstantDescs.CLASS_INIT_NAME, ConstantDescs.MTD_void, ClassFile.ACC_STATIC,
                    code -> code.invokestatic(WHITE_BOX, "registerNatives", ConstantDescs.MTD_void).return_());
            for (Native each : natives) type.withMethod(each.name, each.type, flags | ClassFile.ACC_PUBLIC, method -> {});
        });
        try (OutputStream out = Files.newOutputStream(jar); ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("jdk/test/whitebox/WhiteBox.class"));
            zip.write(bytes);
        }
    }

    /// The native methods that HotSpot has and the class in `jar` has not.
    private static Set<Native> missing(Path jar) throws IOException, InterruptedException {
        Path source = Path.of(Objects.requireNonNull(System.getProperty("jdk.launcher.sourcefile"), "not run from its source"));
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process jvm = new ProcessBuilder(List.of(java, "-XX:+UnlockDiagnosticVMOptions", "-XX:+WhiteBoxAPI",
                        "-Xbootclasspath/a:" + jar, source.toString()))
                .redirectErrorStream(true)
                .start();
        String said = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (jvm.waitFor() != 0) fail(said);
        Set<Native> natives = new LinkedHashSet<>();
        Matcher m = MISSING.matcher(said);
        while (m.find()) natives.add(new Native(m.group(1), MethodTypeDesc.ofDescriptor(m.group(2))));
        return natives;
    }
}
