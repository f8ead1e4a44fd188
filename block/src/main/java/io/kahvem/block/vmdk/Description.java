package io.kahvem.block.vmdk;

import io.kahvem.block.BlockException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The text that says what a disk is and which files it is in ("The Descriptor").
final class Description {
    /// Of a disk without a parent.
    static final long NO_PARENT = 0xffff_ffffL;

    private static final Pattern EXTENT = Pattern.compile("(RW|RDONLY|NOACCESS) (\\d{1,17}) (\\w+)(?: \"([^\"]*)\"(?: (\\d{1,17}))?.*)?");
    private static final int MOST_EXTENTS = 4096;

    /// One line of "Extent description".
    ///
    /// @param offset the sector of its file it starts at
    record ExtentLine(String access, long sectors, String type, String file, long offset) {}

    private String text;

    private Description(String text) {
        this.text = text;
    }

    static Description of(String text) {
        int end = text.indexOf('\0');
        return new Description((end < 0 ? text : text.substring(0, end)).replace("\r\n", "\n"));
    }

    /// Whether this is how a description begins: comments, then its version.
    static boolean isOne(String text) {
        for (String line : text.split("\n")) {
            String word = line.strip();
            if (word.isEmpty() || word.startsWith("#")) continue;
            return word.matches("version=[123]");
        }
        return false;
    }

    String text() {
        return text;
    }

    @Nullable String value(String key) {
        Matcher m = Pattern.compile("^" + Pattern.quote(key) + "[ \t]*=[ \t]*\"?([^\"\n]*)\"?", Pattern.MULTILINE).matcher(text);
        return m.find() ? m.group(1) : null;
    }

    String createType() {
        String type = value("createType");
        if (type == null) throw BlockException.invalid("invalid VMDK image descriptor");
        return type;
    }

    long cid() {
        return id("CID", 0);
    }

    long parentCid() {
        return id("parentCID", NO_PARENT);
    }

    private long id(String key, long otherwise) {
        String value = value(key);
        if (value == null) return otherwise;
        try {
            return Long.parseUnsignedLong(value.strip(), 16) & 0xffff_ffffL;
        } catch (NumberFormatException e) {
            throw BlockException.invalid("VMDK %s '%s' is no number".formatted(key, value));
        }
    }

    @Nullable String parent() {
        return parentCid() == NO_PARENT ? null : value("parentFileNameHint");
    }

    void changeCid(long cid) {
        text = Pattern.compile("^CID=.*$", Pattern.MULTILINE).matcher(text).replaceFirst("CID=%08x".formatted(cid));
    }

    List<ExtentLine> extents() {
        List<ExtentLine> extents = new ArrayList<>();
        for (String line : text.split("\n")) {
            Matcher m = EXTENT.matcher(line.strip());
            if (!m.matches()) {
                if (line.matches("(RW|RDONLY|NOACCESS)\\s.*")) throw BlockException.invalid("Invalid extent line: " + line.strip());
                continue;
            }
            String file = m.group(4) == null ? "" : m.group(4);
            long offset = m.group(5) == null ? 0 : Long.parseLong(m.group(5));
            extents.add(new ExtentLine(m.group(1), Long.parseLong(m.group(2)), m.group(3), file, offset));
            if (extents.size() > MOST_EXTENTS) throw BlockException.invalid("VMDK of more than %d extents".formatted(MOST_EXTENTS));
        }
        return extents;
    }

    /// A new one, in the words and the order other programs expect.
    static Description make(
            long cid, String createType, long parentCid, @Nullable String parent, List<ExtentLine> extents, String hardwareVersion,
            String adapter, String toolsVersion) {
        StringBuilder t = new StringBuilder("# Disk DescriptorFile\nversion=1\n");
        t.append("CID=%08x\nparentCID=%08x\ncreateType=\"%s\"\n".formatted(cid, parentCid, createType));
        if (parent != null) t.append("parentFileNameHint=\"%s\"\n".formatted(parent));
        t.append("\n# Extent description\n");
        long sectors = 0;
        for (ExtentLine e : extents) {
            t.append("%s %d %s \"%s\"%s\n".formatted(e.access, e.sectors, e.type, e.file, e.type.equals("FLAT") ? " " + e.offset : ""));
            sectors += e.sectors;
        }
        int heads = adapter.equals("ide") ? 16 : 255;
        t.append("\n# The Disk Data Base\n#DDB\n\n");
        t.append("ddb.virtualHWVersion = \"%s\"\n".formatted(hardwareVersion));
        t.append("ddb.geometry.cylinders = \"%d\"\nddb.geometry.heads = \"%d\"\n".formatted(sectors / 63 / heads, heads));
        t.append("ddb.geometry.sectors = \"63\"\nddb.adapterType = \"%s\"\n".formatted(adapter));
        t.append("ddb.toolsVersion = \"%s\"\n".formatted(toolsVersion));
        return new Description(t.toString());
    }
}
