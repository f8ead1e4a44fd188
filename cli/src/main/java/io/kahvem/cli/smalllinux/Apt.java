package io.kahvem.cli.smalllinux;

import io.kahvem.cli.CliException;
import io.kahvem.cli.Progress;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The host's package sources, through its own apt-cache, apt-get and dpkg-deb: what they trust is what we trust, and their checks of
/// signatures and sums are ours. Nothing here needs root.
final class Apt {
    static final String GIVE_A_KERNEL = "Or give a kernel of your own: kahvem run --kernel FILE --initrd FILE";

    private static final String UPDATE = "sudo apt-get update";

    /// Debian's small kernel for virtual machines, Ubuntu's, then their general ones, for derivatives that lack the small.
    static final List<String> KERNELS =
            List.of("linux-image-cloud-amd64", "linux-image-virtual", "linux-image-amd64", "linux-image-generic");

    static final String BUSYBOX = "busybox-static";

    private static final Pattern CANDIDATE = Pattern.compile("^ *Candidate: (\\S+)$", Pattern.MULTILINE);
    private static final Pattern DEPENDS = Pattern.compile("^ *\\|?(?:Pre)?Depends: ([^<\\s]\\S*)$", Pattern.MULTILINE);
    private static final Pattern DOWNLOAD_STATUS = Pattern.compile("dlstatus:\\d+:([0-9.]+):.*");
    private static final int EVIDENCE_LINES = 8;

    private final Map<String, String> environment;
    private final Path aptGet;
    private final Path aptCache;
    private final Path dpkgDeb;
    private @Nullable Process running;

    private Apt(Map<String, String> environment, Path aptGet, Path aptCache, Path dpkgDeb) {
        this.environment = environment;
        this.aptGet = aptGet;
        this.aptCache = aptCache;
        this.dpkgDeb = dpkgDeb;
    }

    /// Finds the tools on PATH. Throws [CliException] where there is no apt.
    static Apt find(Map<String, String> environment) {
        return new Apt(environment, tool(environment, "apt-get"), tool(environment, "apt-cache"), tool(environment, "dpkg-deb"));
    }

    private static Path tool(Map<String, String> environment, String name) {
        for (String directory : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
            Path candidate = Path.of(directory.isEmpty() ? "." : directory, name).toAbsolutePath();
            if (Files.isExecutable(candidate) && Files.isRegularFile(candidate)) return candidate;
        }
        throw CliException.badInput(
                """
                there is nothing to boot, and no %s on PATH to build a small Linux with (Debian and Ubuntu have it)
                  Give a kernel: kahvem run --kernel FILE --initrd FILE"""
                        .formatted(name));
    }

    /// The packages of the small Linux: the kernel image, then busybox.
    List<String> packages() {
        if (candidate(BUSYBOX).isEmpty()) throw unknown(BUSYBOX);
        for (String name : KERNELS) {
            if (candidate(name).isPresent()) return List.of(kernelImage(name), BUSYBOX);
        }
        throw unknown(String.join(", ", KERNELS));
    }

    /// `linux-image-cloud-amd64` holds no kernel: it depends on the newest `linux-image-VERSION-cloud-amd64`, which does.
    private String kernelImage(String name) {
        return dependencies(query("depends", qualified(name))).stream()
                .filter(d -> d.matches("linux-image-(unsigned-)?[0-9].*"))
                .findFirst()
                .orElse(name);
    }

    private Optional<String> candidate(String name) {
        return candidateIn(query("policy", qualified(name)));
    }

    /// Of `apt-cache policy`: the version apt would install, if any.
    static Optional<String> candidateIn(String policy) {
        Matcher matcher = CANDIDATE.matcher(policy);
        return matcher.find() && !matcher.group(1).equals("(none)") ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /// Of `apt-cache depends`: the real packages, alternatives too, without their architecture.
    static List<String> dependencies(String depends) {
        return DEPENDS.matcher(depends).results().map(m -> m.group(1).replaceFirst(":[a-z0-9]+$", "")).distinct().toList();
    }

    /// Downloads into `directory`, which is the user's. Returns the .deb files. Throws [CliException] with apt's last lines.
    List<Path> download(List<String> packages, Path directory, Progress progress) throws IOException {
        // As root, apt would try to drop to the user _apt, who cannot enter a private directory, and complain.
        List<String> command = new ArrayList<>(List.of(
                aptGet.toString(), "-q", "-o", "APT::Sandbox::User=root", "-o", "APT::Status-Fd=1", "download"));
        packages.forEach(p -> command.add(qualified(p)));
        Deque<String> evidence = new ArrayDeque<>();
        Process apt = start(builder(command).directory(directory.toFile()).redirectErrorStream(true));
        try (BufferedReader lines = apt.inputReader(StandardCharsets.UTF_8)) {
            for (String line; (line = lines.readLine()) != null; ) {
                Matcher status = DOWNLOAD_STATUS.matcher(line);
                if (status.matches()) {
                    progress.percent(Double.parseDouble(status.group(1)));
                } else if (!line.isBlank() && !line.startsWith("Get:")) {
                    evidence.add(line);
                    if (evidence.size() > EVIDENCE_LINES) evidence.remove();
                }
            }
        }
        int status = waitFor(apt);
        if (status != 0) {
            throw CliException.hostFailed(
                    """
                    apt-get could not download %s (exit status %d); its last lines:
                    %s
                      Where the package lists are old, this mends it: %s
                      %s"""
                            .formatted(String.join(", ", packages), status, indented(evidence), UPDATE, GIVE_A_KERNEL));
        }
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> debs = files.filter(f -> f.toString().endsWith(".deb")).sorted().toList();
            if (debs.size() == packages.size()) return debs;
            throw CliException.hostFailed("apt-get said it downloaded %s but left %s".formatted(String.join(", ", packages), debs));
        }
    }

    /// What a visitor does with the regular files of a package.
    interface Visitor {
        void visit(String name, TarReader tar) throws IOException;
    }

    /// Shows `visitor` every file of a package, unpacked as a stream.
    void unpack(Path deb, Visitor visitor) throws IOException {
        Path complaints = Files.createTempFile(deb.getParent(), "dpkg-deb", ".err");
        Process process = start(builder(List.of(dpkgDeb.toString(), "--fsys-tarfile", deb.toString())).redirectError(complaints.toFile()));
        IOException broken = null;
        try (InputStream out = process.getInputStream()) {
            TarReader tar = new TarReader(out);
            for (String name; (name = tar.next()) != null; ) visitor.visit(name, tar);
        } catch (IOException e) {
            broken = e;
        }
        int status = waitFor(process);
        if (status == 0 && broken == null) return;
        throw CliException.hostFailed("dpkg-deb could not unpack %s (exit status %d)%s%s"
                .formatted(deb.getFileName(), status, broken == null ? "" : ": " + broken.getMessage(), indentedFile(complaints)));
    }

    /// Ends the command that runs, if one does. Any thread.
    synchronized void stop() {
        if (running != null) running.destroy();
    }

    /// The output of `apt-cache VERB NAME`; nothing where apt knows no such package.
    private String query(String verb, String name) {
        try {
            Process process = start(builder(List.of(aptCache.toString(), verb, name)).redirectError(ProcessBuilder.Redirect.DISCARD));
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            waitFor(process);
            return out;
        } catch (IOException e) {
            throw CliException.hostFailed("cannot run %s %s %s: %s".formatted(aptCache, verb, name, e.getMessage()));
        }
    }

    private CliException unknown(String names) {
        String architecture = System.getProperty("os.arch", "");
        String foreign = architecture.equals("amd64") ? "" : "sudo dpkg --add-architecture amd64 && ";
        return CliException.badInput(
                """
                there is nothing to boot, and apt has no package %s to build a small Linux from
                  Its package lists are missing or lack it. This fetches them: %s%s
                  %s"""
                        .formatted(names, foreign, UPDATE, GIVE_A_KERNEL));
    }

    /// Guests are x86-64 whatever the host is.
    private static String qualified(String name) {
        return name + ":amd64";
    }

    private ProcessBuilder builder(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        Map<String, String> env = new HashMap<>(environment);
        env.put("LC_ALL", "C");
        env.put("LANGUAGE", "C");
        env.put("DEBIAN_FRONTEND", "noninteractive");
        builder.environment().clear();
        builder.environment().putAll(env);
        return builder;
    }

    private synchronized Process start(ProcessBuilder builder) throws IOException {
        Process process = builder.start();
        running = process;
        return process;
    }

    private int waitFor(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw CliException.hostFailed("interrupted while %s ran".formatted(process.info().command().orElse("a command")));
        } finally {
            synchronized (this) {
                running = null;
            }
        }
    }

    private static String indented(Iterable<String> lines) {
        return "    " + String.join("\n    ", lines);
    }

    private static String indentedFile(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file).stream().limit(EVIDENCE_LINES).toList();
        return lines.isEmpty() ? "" : "\n" + indented(lines);
    }
}
