package io.kahvem.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A disk or a CD-ROM drive of the machine, as `--disk` and `--cdrom` say it.
///
/// @param file the image; empty for a drive without a medium
/// @param format the image's format; empty: told from its first bytes
/// @param snapshot what the guest writes goes to a temporary file and is forgotten with the machine
/// @param cache how the host's page cache is used: writeback, none, writethrough, directsync or unsafe
/// @param serial the drive's serial number, at most 20 characters; empty: made from its place
/// @param bootIndex firmware boots from the least of them first; empty: after those that have one
public record Disk(
        Kind kind, Optional<Path> file, Optional<String> format, Bus bus, boolean readOnly, boolean snapshot, String cache,
        Optional<String> serial, Optional<Integer> bootIndex) {
    private static final List<String> CACHES = List.of("writeback", "none", "writethrough", "directsync", "unsafe");
    private static final String OPTIONS = "format=, bus=, readonly, snapshot, cache=, serial= and bootindex=";
    private static final int SERIAL_LENGTH = 20;

    /// What the guest sees.
    public enum Kind {
        DISK,
        CDROM
    }

    /// How the guest reaches it.
    public enum Bus {
        VIRTIO,
        SATA,
        NVME,
        SCSI;

        /// The name that `bus=` knows it by.
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Bus parse(String option, String text) {
            for (Bus bus : values()) {
                if (bus.id().equals(text)) return bus;
            }
            throw ConfigException.of("disk", option, "says bus=%s; give virtio, sata, nvme or scsi".formatted(text));
        }
    }

    public Disk {
        String named = file.map(Path::toString).orElse("");
        if (kind == Kind.DISK && file.isEmpty()) throw ConfigException.of("disk", "", "names no file");
        if (kind == Kind.CDROM && bus != Bus.SATA && bus != Bus.SCSI) {
            throw ConfigException.of("cdrom", named, "is on bus %s, which has no CD-ROM drives; give sata or scsi".formatted(bus.id()));
        }
        if (!CACHES.contains(cache)) {
            throw ConfigException.of("disk", named, "says cache=%s; give %s".formatted(cache, String.join(", ", CACHES)));
        }
        if (serial.isPresent() && (serial.get().length() > SERIAL_LENGTH || !serial.get().matches("[!-~]+"))) {
            String accepted = "says serial=%s; give 1 to %d characters of ASCII, no blanks";
            throw ConfigException.of("disk", named, accepted.formatted(serial.get(), SERIAL_LENGTH));
        }
        if (snapshot && readOnly) throw ConfigException.of("disk", named, "is to be both readonly and a snapshot; give one of them");
    }

    /// Reads `FILE[,format=F][,bus=B][,readonly][,snapshot][,cache=C][,serial=S][,bootindex=N]`; `,,` stands for a comma in the file's
    /// name.
    public static Disk parse(String text) {
        return parse(Kind.DISK, text);
    }

    /// Reads what `--cdrom` takes: `FILE[,format=F][,bus=sata|scsi][,serial=S][,bootindex=N]`; without a file, a drive without a disc.
    public static Disk parseCdrom(String text) {
        return parse(Kind.CDROM, text);
    }

    private static Disk parse(Kind kind, String text) {
        List<String> words = words(text);
        boolean cdrom = kind == Kind.CDROM;
        String what = cdrom ? "cdrom" : "disk";
        if (words.getFirst().isEmpty() && !cdrom) throw ConfigException.of(what, text, "names no file");
        @Nullable String format = null;
        Bus bus = cdrom ? Bus.SATA : Bus.VIRTIO;
        boolean readOnly = cdrom;
        boolean snapshot = false;
        String cache = CACHES.getFirst();
        @Nullable String serial = null;
        @Nullable Integer bootIndex = null;
        List<String> seen = new ArrayList<>();
        for (String word : words.subList(1, words.size())) {
            int equals = word.indexOf('=');
            String key = equals < 0 ? word : word.substring(0, equals);
            String value = equals < 0 ? "on" : word.substring(equals + 1);
            if (seen.contains(key)) throw ConfigException.of(what, text, "says %s twice; give it once".formatted(key));
            seen.add(key);
            switch (key) {
                case "format" -> format = value;
                case "bus" -> bus = Bus.parse(text, value);
                case "readonly" -> readOnly = onOff(what, text, key, value);
                case "snapshot" -> snapshot = onOff(what, text, key, value);
                case "cache" -> cache = value;
                case "serial" -> serial = value;
                case "bootindex" -> bootIndex = number(what, text, key, value);
                default ->
                    throw ConfigException.of(what, text, "has \"%s\", which is no option; there are %s".formatted(word, OPTIONS));
            }
        }
        if (cdrom && (!readOnly || snapshot)) throw ConfigException.of(what, text, "wants to write to a CD-ROM, which nobody can");
        Optional<Path> file = words.getFirst().isEmpty() ? Optional.empty() : Optional.of(Path.of(words.getFirst()));
        return new Disk(kind, file, Optional.ofNullable(format), bus, readOnly, snapshot, cache,
                Optional.ofNullable(serial), Optional.ofNullable(bootIndex));
    }

    private static int number(String what, String text, String key, String value) {
        if (!value.matches("[0-9]{1,6}")) throw ConfigException.of(what, text, "says %s=%s; give a number".formatted(key, value));
        return Integer.parseInt(value);
    }

    private static boolean onOff(String what, String text, String key, String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default -> throw ConfigException.of(what, text, "says %s=%s; give %s, or %s=off".formatted(key, value, key, key));
        };
    }

    /// Between commas; two of them are one that is meant.
    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int n = 0; n < text.length(); n++) {
            char c = text.charAt(n);
            if (c != ',') {
                word.append(c);
            } else if (n + 1 < text.length() && text.charAt(n + 1) == ',') {
                word.append(c);
                n++;
            } else {
                words.add(word.toString());
                word.setLength(0);
            }
        }
        words.add(word.toString());
        return words;
    }
}
