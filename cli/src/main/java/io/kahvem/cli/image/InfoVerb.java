package io.kahvem.cli.image;

import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.FormatInfo;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.block.qcow2.Snapshot;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `info`.
@Command(name = "info", description = "Tells what an image is.")
final class InfoVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "--output", paramLabel = "human|json", description = "How the answer looks.")
    private String output = "human";

    @Option(names = "--backing-chain", description = "The layers below too.")
    private boolean chain;

    @Option(names = {"-U", "--force-share"}, description = "Though it is in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Override
    int run() {
        boolean json = isJson(output);
        OpenOptions options = OpenOptions.readOnly(format).withShareable(share);
        List<Object> all = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        if (chain) {
            try (BlockNode top = open(file, options)) {
                for (BlockNode layer = top; layer != null; layer = layer.backing()) add(layer, all, text);
            }
        } else {
            try (BlockNode node = open(file, options.withBacking(false))) {
                add(node, all, text);
            }
        }
        out().print(json ? QmpText.json(chain ? all : all.getFirst()) + "\n" : text.toString());
        out().flush();
        return OK;
    }

    private static void add(BlockNode node, List<Object> all, StringBuilder text) {
        all.add(json(node));
        if (!text.isEmpty()) text.append('\n');
        text(text, node);
    }

    private static Map<String, Object> json(BlockNode node) {
        FormatInfo info = node.info();
        Map<String, Object> json = new LinkedHashMap<>();
        List<Snapshot> snapshots = snapshots(node);
        if (!snapshots.isEmpty()) json.put("snapshots", snapshots.stream().map(InfoVerb::json).toList());
        String backing = node.backingFile();
        String backingFormat = node.backingFormat();
        if (backing != null && backingFormat != null) json.put("backing-filename-format", backingFormat);
        json.put("virtual-size", node.sizeBytes());
        json.put("filename", node.name());
        if (info.clusterSize() > 0) json.put("cluster-size", (long) info.clusterSize());
        json.put("format", node.format());
        boolean inFile = node.allocatedSize() >= 0;
        if (inFile) json.put("actual-size", node.allocatedSize());
        if (info.specific().containsKey("encrypt")) json.put("encrypted", true);
        if (!info.specific().isEmpty()) {
            Map<String, Object> specific = new LinkedHashMap<>();
            specific.put("type", node.format());
            specific.put("data", info.specific());
            json.put("format-specific", specific);
        }
        if (backing != null) {
            json.put("full-backing-filename", Images.resolve(node.name(), backing));
            json.put("backing-filename", backing);
        }
        if (inFile || info.clusterSize() > 0) json.put("dirty-flag", info.dirty());
        return json;
    }

    private static List<Snapshot> snapshots(BlockNode node) {
        return node instanceof Qcow2Node qcow2 ? qcow2.snapshots().list() : List.of();
    }

    private static Map<String, Object> json(Snapshot s) {
        Map<String, Object> json = new LinkedHashMap<>();
        if (s.icount() >= 0) json.put("icount", s.icount());
        json.put("vm-clock-nsec", s.vmClockNanos() % 1_000_000_000);
        json.put("name", s.name());
        json.put("date-sec", s.dateSeconds());
        json.put("date-nsec", (long) s.dateNanos());
        json.put("vm-clock-sec", s.vmClockNanos() / 1_000_000_000);
        json.put("id", s.id());
        json.put("vm-state-size", s.vmStateBytes());
        return json;
    }

    private static void text(StringBuilder text, BlockNode node) {
        FormatInfo info = node.info();
        text.append("image: ").append(node.name()).append('\n');
        text.append("file format: ").append(node.format()).append('\n');
        text.append("virtual size: %s (%d bytes)\n".formatted(ByteSize.show(node.sizeBytes()), node.sizeBytes()));
        text.append("disk size: ").append(node.allocatedSize() < 0 ? "unavailable" : ByteSize.show(node.allocatedSize())).append('\n');
        if (info.specific().containsKey("encrypt")) text.append("encrypted: yes\n");
        if (info.clusterSize() > 0) text.append("cluster_size: ").append(info.clusterSize()).append('\n');
        if (info.dirty()) text.append("cleanly shut down: no\n");
        String backing = node.backingFile();
        if (backing != null) {
            String full = Images.resolve(node.name(), backing);
            text.append("backing file: ").append(backing);
            if (!full.equals(backing)) text.append(" (actual path: ").append(full).append(')');
            text.append('\n');
            String backingFormat = node.backingFormat();
            if (backingFormat != null) text.append("backing file format: ").append(backingFormat).append('\n');
        }
        List<Snapshot> snapshots = snapshots(node);
        if (!snapshots.isEmpty()) text.append(SnapshotVerb.table(snapshots));
        if (!info.specific().isEmpty()) {
            text.append("Format specific information:\n");
            QmpText.lines(text, info.specific(), "    ");
        }
    }
}
