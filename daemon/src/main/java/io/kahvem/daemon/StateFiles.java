package io.kahvem.daemon;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/// A directory of descriptions, one file each, named NAME.xml: definitions, which outlast the host's stop, or what is true only while the
/// host runs. What cannot be read at a start is set aside and named in the log.
public final class StateFiles {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon");
    private static final String SUFFIX = ".xml";

    private final Path directory;
    private final boolean lasting;

    private StateFiles(Path directory, boolean lasting) {
        this.directory = directory;
        this.lasting = lasting;
    }

    /// Files that are there again when the host starts anew.
    public static StateFiles lasting(Path directory) {
        return new StateFiles(directory, true);
    }

    /// Files of no use then, and not waited for until they are on the disk.
    public static StateFiles ofThisBoot(Path directory) {
        return new StateFiles(directory, false);
    }

    public Path file(String name) {
        return directory.resolve(name + SUFFIX);
    }

    public void write(String name, String xml) {
        AtomicFiles.write(file(name), xml, lasting);
    }

    public void delete(String name) {
        AtomicFiles.delete(file(name));
    }

    /// Gives each file's text to `load`; one that it throws for is renamed to NAME.xml.broken, and the others are loaded all the same.
    public void loadAll(Consumer<String> load) {
        for (Path file : files()) {
            try {
                load.accept(Files.readString(file));
            } catch (IOException | RuntimeException e) {
                setAside(file, e);
            }
        }
    }

    /// The same for several at once, in no order: `load` is safe from any thread.
    public void loadAllAtOnce(Consumer<String> load) {
        try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Path file : files()) {
                each.execute(() -> {
                    try {
                        load.accept(Files.readString(file));
                    } catch (IOException | RuntimeException e) {
                        setAside(file, e);
                    }
                });
            }
        }
    }

    private List<Path> files() {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            for (Path file : stream) {
                if (AtomicFiles.isLeftOver(file)) AtomicFiles.delete(file);
                else if (file.toString().endsWith(SUFFIX)) files.add(file);
            }
        } catch (NoSuchFileException none) {
            return files;
        } catch (IOException e) {
            throw new DaemonException("cannot list %s: %s".formatted(directory, e), e);
        }
        files.sort(null);
        return files;
    }

    private static void setAside(Path file, Exception why) {
        Path aside = file.resolveSibling(file.getFileName() + ".broken");
        LOG.log(Level.ERROR, "{0} cannot be read: {1}; it is now {2}, and the rest is loaded", file, why.getMessage(), aside);
        try {
            Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.log(Level.ERROR, "{0} cannot be renamed: {1}", file, e.getMessage());
        }
    }
}
