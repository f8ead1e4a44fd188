import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/// Gives the classes of a jar that are of Java 5 or before the stack maps of later ones (JVMS 4.7.4), in place: the AOT cache and the class
/// data archive take no class that the old verifier has to look at. What the classes do stays the same.
public final class StackMaps {
    private StackMaps() {}

    public static void main(String[] jars) throws IOException {
        for (String jar : jars) {
            Path old = Path.of(jar);
            Path changed = Path.of(jar + ".new");
            Files.copy(old, changed);
            try (FileSystem from = FileSystems.newFileSystem(old); FileSystem to = FileSystems.newFileSystem(changed)) {
                rewrite(from.getPath("/"), to);
            }
            Files.move(changed, old, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void rewrite(Path root, FileSystem to) throws IOException {
        ClassHierarchyResolver hierarchy = ClassHierarchyResolver.ofResourceParsing(type -> {
            String name = type.descriptorString().substring(1, type.descriptorString().length() - 1) + ".class";
            try {
                return Files.exists(root.resolve(name)) ? Files.newInputStream(root.resolve(name)) : null;
            } catch (IOException e) {
                return null;
            }
        });
        ClassFile format = ClassFile.of(StackMapsOption.GENERATE_STACK_MAPS,
                ClassHierarchyResolverOption.of(hierarchy.orElse(ClassHierarchyResolver.defaultResolver())));
        ClassTransform mapped = ClassTransform.endHandler(type -> type.withVersion(ClassFile.JAVA_7_VERSION, 0))
                .andThen(ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL));
        for (Path file : classes(root)) {
            ClassModel model = format.parse(Files.readAllBytes(file));
            if (model.majorVersion() >= ClassFile.JAVA_6_VERSION) continue;
            Files.write(to.getPath(file.toString()), format.transformClass(model, mapped));
        }
    }

    private static List<Path> classes(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".class")).toList();
        }
    }
}
