package io.kahvem.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/// What `--version` prints: Kahvem's version, as the build wrote it down, and the JVM's.
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {"kahvem " + version(), "Java " + Runtime.version() + ", " + System.getProperty("java.vm.name")};
    }

    private static String version() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            if (in == null) throw new AssertionError("the build left version.properties out");
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version", "");
    }
}
