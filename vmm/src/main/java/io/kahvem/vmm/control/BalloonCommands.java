package io.kahvem.vmm.control;

import io.kahvem.devices.virtio.balloon.BalloonStatistics;
import io.kahvem.devices.virtio.balloon.BalloonStatistics.Tag;
import io.kahvem.devices.virtio.balloon.VirtioBalloon;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Balloons.Balloon;
import io.kahvem.qmp.schema.Balloons.BalloonInfo;
import io.kahvem.qmp.schema.Balloons.QomSetNumber;
import io.kahvem.qmp.schema.Balloons.QueryBalloon;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.Qom.ObjectPropertyInfo;
import io.kahvem.qmp.schema.Qom.QomGet;
import io.kahvem.qmp.schema.Qom.QomList;
import io.kahvem.vmm.Machine;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// The memory balloon, and what of QEMU's object tree leads to its statistics (QEMU's docs/interop/virtio-balloon-stats).
final class BalloonCommands {
    static final String PERIPHERAL = "/machine/peripheral";
    static final String PATH = PERIPHERAL + "/balloon0";

    private static final String TYPE = "virtio-balloon-pci";
    private static final String INTERVAL = "guest-stats-polling-interval";
    private static final String STATISTICS = "guest-stats";
    private static final long MAX_INTERVAL_SECONDS = 0xffff_ffffL;
    private static final BigInteger UNKNOWN = BigInteger.ONE.shiftLeft(Long.SIZE).subtract(BigInteger.ONE);

    private final Machine machine;
    private long intervalSeconds;
    /// Of the interval: an older one's polling ends.
    private long generation;

    BalloonCommands(Machine machine) {
        this.machine = machine;
    }

    void addTo(QmpService service) {
        service.on(QueryBalloon.class, command -> new BalloonInfo(balloon().actualBytes()));
        service.on(Balloon.class, command -> {
            if (command.value() <= 0) throw new QmpException("Parameter 'target' expects a size");
            balloon().setTarget(command.value());
            return new Empty();
        });
        service.on(QomList.class, command -> list(command.path()));
        service.on(QomGet.class, command -> get(command.path(), command.property()));
        service.on(QomSetNumber.class, command -> {
            set(command.path(), command.property(), command.value());
            return new Empty();
        });
    }

    private VirtioBalloon balloon() {
        return machine.balloon()
                .orElseThrow(() -> new QmpException(ErrorClass.DeviceNotActive, "No balloon device has been activated"));
    }

    private List<ObjectPropertyInfo> list(String path) {
        ObjectPropertyInfo type = new ObjectPropertyInfo("type", "string");
        if (path.equals(PERIPHERAL)) {
            return machine.balloon().isPresent()
                    ? List.of(type, new ObjectPropertyInfo("balloon0", "child<%s>".formatted(TYPE))) : List.of(type);
        }
        requireBalloon(path);
        return List.of(type, new ObjectPropertyInfo(INTERVAL, "int"), new ObjectPropertyInfo(STATISTICS, "guest statistics"));
    }

    private Object get(String path, String property) {
        if (path.equals(PERIPHERAL) && property.equals("type")) return "container";
        requireBalloon(path);
        return switch (property) {
            case "type" -> TYPE;
            case INTERVAL -> interval();
            case STATISTICS -> statistics();
            default -> throw noProperty(property);
        };
    }

    private void set(String path, String property, long value) {
        requireBalloon(path);
        if (!property.equals(INTERVAL)) throw noProperty(property);
        if (value < 0) throw new QmpException("timer value must be greater than zero");
        if (value > MAX_INTERVAL_SECONDS) throw new QmpException("timer value is too big");
        long mine;
        synchronized (this) {
            intervalSeconds = value;
            mine = ++generation;
        }
        if (value > 0) poll(mine);
    }

    private synchronized long interval() {
        return intervalSeconds;
    }

    private void poll(long mine) {
        long seconds;
        synchronized (this) {
            if (mine != generation || machine.ended().isDone()) return;
            seconds = intervalSeconds;
        }
        balloon().requestStatistics();
        CompletableFuture.delayedExecutor(seconds, TimeUnit.SECONDS).execute(() -> poll(mine));
    }

    private void requireBalloon(String path) {
        if (path.equals(PATH) && machine.balloon().isPresent()) return;
        throw new QmpException(ErrorClass.DeviceNotFound, "Device '%s' not found".formatted(path.length() < 128 ? path : "..."));
    }

    private static QmpException noProperty(String property) {
        return new QmpException("Property '%s.%s' not found".formatted(TYPE, property.length() < 128 ? property : "..."));
    }

    /// What the driver has not told reads as all ones.
    private Map<String, Object> statistics() {
        Map<Tag, Long> values = balloon().statistics().map(BalloonStatistics::values).orElse(Map.of());
        Map<String, Object> stats = new LinkedHashMap<>();
        for (Tag tag : Tag.values()) {
            Long value = values.get(tag);
            stats.put(name(tag), value == null ? UNKNOWN : value);
        }
        long lastUpdate = balloon().statistics().map(BalloonStatistics::updateNanos).map(machine::wallSeconds).orElse(0L);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("stats", stats);
        all.put("last-update", lastUpdate);
        return all;
    }

    private static String name(Tag tag) {
        return switch (tag) {
            case SWAP_IN -> "stat-swap-in";
            case SWAP_OUT -> "stat-swap-out";
            case MAJFLT -> "stat-major-faults";
            case MINFLT -> "stat-minor-faults";
            case MEMFREE -> "stat-free-memory";
            case MEMTOT -> "stat-total-memory";
            case AVAIL -> "stat-available-memory";
            case CACHES -> "stat-disk-caches";
            case HTLB_PGALLOC -> "stat-htlb-pgalloc";
            case HTLB_PGFAIL -> "stat-htlb-pgfail";
        };
    }
}
