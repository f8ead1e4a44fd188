package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.OpenOptions;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.BlockJobs.BlockdevAdd;
import io.kahvem.qmp.schema.BlockJobs.BlockdevDel;
import io.kahvem.qmp.schema.BlockJobs.BlockdevDiscardOptions;
import io.kahvem.qmp.schema.BlockJobs.BlockdevDriver;
import io.kahvem.qmp.schema.Empty;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Images that are open for jobs and devices to come: QMP's blockdev-add. A node of the driver `file` is a name for a file alone, and
/// opened by what is put over it.
final class BlockNodes implements AutoCloseable {
    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,30}");

    /// @param file of a node of the driver `file`
    /// @param image of any other
    private record Node(Optional<String> file, Optional<BlockNode> image) {}

    private final ImageFiles files;
    private final Map<String, Node> nodes = new HashMap<>();
    /// Who uses one: a job's or a device's name.
    private final Map<String, String> users = new HashMap<>();

    BlockNodes(ImageFiles files) {
        this.files = files;
    }

    void addTo(QmpService service) {
        service.on(BlockdevAdd.class, this::add);
        service.on(BlockdevDel.class, this::delete);
    }

    private synchronized Empty add(BlockdevAdd command, QmpCall call) {
        String name = command.nodeName().orElseThrow(() -> new QmpException("'node-name' must be specified for the root node"));
        if (!NAME.matcher(name).matches()) throw new QmpException("Invalid node-name: '%s'".formatted(name));
        if (nodes.containsKey(name)) throw new QmpException("Duplicate nodes with node-name='%s'".formatted(name));
        switch (command.driver()) {
            case FILE, HOST_DEVICE -> {
                String file = command.filename().orElseThrow(() -> new QmpException("Parameter 'filename' is missing"));
                nodes.put(name, new Node(Optional.of(file), Optional.empty()));
            }
            case QCOW2, RAW, VHDX, VMDK, VPC -> {
                if (command.filename().isPresent()) throw new QmpException("Parameter 'filename' is unexpected");
                Object given = command.file().orElseThrow(() -> new QmpException("Parameter 'file' is missing"));
                BlockNode image = files.open(fileOf(given), options(command), call);
                nodes.put(name, new Node(Optional.empty(), Optional.of(image)));
            }
        }
        return new Empty();
    }

    private String fileOf(Object given) {
        switch (given) {
            case String node -> {
                Node file = nodes.get(node);
                if (file == null) throw notFound(node);
                return file.file.orElseThrow(() -> new QmpException("node '%s' is no file; give one of the driver 'file'".formatted(node)));
            }
            case Map<?, ?> inline -> {
                for (Object key : inline.keySet()) {
                    if (!key.equals("driver") && !key.equals("filename")) {
                        throw new QmpException("Parameter 'file.%s' is unexpected".formatted(key));
                    }
                }
                if (!(inline.get("driver") instanceof String driver)) throw new QmpException("Parameter 'file.driver' is missing");
                if (!driver.equals(word(BlockdevDriver.FILE)) && !driver.equals(word(BlockdevDriver.HOST_DEVICE))) {
                    throw new QmpException("Parameter 'driver' does not accept value '%s'".formatted(driver));
                }
                if (!(inline.get("filename") instanceof String file)) throw new QmpException("Parameter 'file.filename' is missing");
                return file;
            }
            default -> throw new QmpException("Invalid parameter type for 'file', expected: object");
        }
    }

    private static String word(BlockdevDriver driver) {
        return driver.name().toLowerCase(Locale.ROOT);
    }

    private static OpenOptions options(BlockdevAdd command) {
        String format = word(command.driver());
        OpenOptions options = command.readOnly().orElse(false) ? OpenOptions.readOnly(format) : OpenOptions.writable(format);
        boolean direct = command.cache().flatMap(cache -> cache.direct()).orElse(false);
        return options.withBacking(command.backing().isEmpty())
                .withUnmap(command.discard().orElse(BlockdevDiscardOptions.IGNORE) == BlockdevDiscardOptions.UNMAP)
                .withCache(direct ? CacheMode.NONE : CacheMode.WRITEBACK);
    }

    private synchronized Empty delete(BlockdevDel command) {
        String name = command.nodeName();
        Node node = nodes.get(name);
        if (node == null) throw new QmpException("Failed to find node with node-name='%s'".formatted(name));
        if (users.containsKey(name)) throw new QmpException("Node %s is in use".formatted(name));
        nodes.remove(name);
        try {
            node.image.ifPresent(BlockNode::close);
        } catch (BlockException e) {
            throw ImageFiles.refused(e);
        }
        return new Empty();
    }

    /// The node's image, for `user` alone until [#giveBack] or [#takeOut].
    synchronized BlockNode use(String name, String user) {
        Node node = nodes.get(name);
        if (node == null) throw notFound(name);
        if (users.containsKey(name)) throw new QmpException("Node %s is in use".formatted(name));
        BlockNode image = node.image.orElseThrow(() -> new QmpException("node '%s' is a file; put a format over it".formatted(name)));
        users.put(name, user);
        return image;
    }

    synchronized void giveBack(String name) {
        users.remove(name);
    }

    /// The same; it is another image by now, maybe.
    synchronized void giveBack(String name, BlockNode image) {
        users.remove(name);
        nodes.put(name, new Node(Optional.empty(), Optional.of(image)));
    }

    synchronized boolean has(String name) {
        return nodes.containsKey(name);
    }

    /// A disk owns it now, under this name still.
    synchronized void takeOut(String name) {
        nodes.put(name, new Node(Optional.empty(), Optional.empty()));
    }

    private static QmpException notFound(String name) {
        return new QmpException("Cannot find device='%s' nor node-name='%s'".formatted(name, name));
    }

    /// Closes those that nobody uses.
    @Override
    public synchronized void close() {
        nodes.forEach((name, node) -> {
            if (!users.containsKey(name)) node.image.ifPresent(BlockNode::close);
        });
        nodes.clear();
    }
}
