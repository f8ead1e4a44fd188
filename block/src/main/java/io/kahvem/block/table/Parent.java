package io.kahvem.block.table;

import io.kahvem.block.BlockException;
import io.kahvem.block.Images;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// What a differencing disk records of its parent.
///
/// @param file its file, from the child's directory
/// @param ids those of which it has one
public record Parent(String file, Set<UUID> ids) {
    public Parent {
        ids = Set.copyOf(ids);
    }

    /// From the paths that a Windows host has recorded: relative ones as they are, with slashes; of those that begin at a drive the last
    /// name, beside the child. The first file that is there is the parent, or else the first that is named. Throws [BlockException] where
    /// none is.
    public static Parent of(String child, List<String> windowsPaths, Set<UUID> ids) {
        List<String> names = new ArrayList<>();
        for (String path : windowsPaths) {
            String name = path.replace('\\', '/');
            if (!name.startsWith("//") && !name.matches("[A-Za-z]:.*")) names.add(name);
        }
        for (String path : windowsPaths) names.add(path.substring(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1));
        names.removeIf(name -> !isName(name));
        if (names.isEmpty()) throw BlockException.invalid("a differencing disk that names no parent");
        for (String name : names) if (Files.exists(Path.of(Images.resolve(child, name)))) return new Parent(name, ids);
        return new Parent(names.getFirst(), ids);
    }

    private static boolean isName(String name) {
        try {
            return !name.isBlank() && !Path.of(name).toString().isEmpty() && Images.isFile(name);
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
