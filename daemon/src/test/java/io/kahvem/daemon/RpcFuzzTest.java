package io.kahvem.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.daemon.rpc.Limits;
import io.kahvem.libvirt.protocol.Common;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Nodes;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Program;
import io.kahvem.libvirt.protocol.Qemu;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.TypedParameter;
import io.kahvem.libvirt.rpc.ErrorMessage;
import io.kahvem.libvirt.rpc.Header;
import io.kahvem.libvirt.rpc.MessageType;
import io.kahvem.libvirt.rpc.Packet;
import io.kahvem.libvirt.rpc.Status;
import io.kahvem.libvirt.xdr.Chars;
import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.XdrWriter;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What no client would send: frames that are none, headers that mean nothing, and arguments of every procedure that are right up to a
/// byte. The daemon refuses, or ends that connection; it has no bug to tell of, leaks nothing, and serves the others.
/// Longer by `-Dtest.more="-Dkahvem.fuzz.rounds=100000 -Dkahvem.fuzz.seed=N"`.
@SuppressWarnings("NullAway.Init") // before each test
@Timeout(value = 20, unit = TimeUnit.MINUTES)
final class RpcFuzzTest {
    private static final int ROUNDS = Integer.getInteger("kahvem.fuzz.rounds", 600);
    private static final List<Class<?>> TABLES = List.of(
            Connections.class, Domains.class, DomainDevices.class, DomainEvents.class, Nodes.class, Qemu.class, Secrets.class,
            Storage.class);
    private static final int SECONDS_PER_PIECE = 10;

    private final List<Procedure<?, ?>> procedures = procedures();
    private final Set<String> bugs = new TreeSet<>();
    private DaemonConfig config;
    private Daemon daemon;

    private static List<Procedure<?, ?>> procedures() {
        List<Procedure<?, ?>> all = new ArrayList<>();
        for (Class<?> table : TABLES) {
            for (Field field : table.getFields()) {
                try {
                    if (Modifier.isStatic(field.getModifiers()) && field.get(null) instanceof Procedure<?, ?> each) all.add(each);
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
        }
        all.remove(Connections.NODE_ALLOC_PAGES); // which would take the host's memory
        return all;
    }

    @BeforeEach
    void start(@TempDir Path directory) {
        config = new DaemonConfig(directory.resolve("sock"), directory.resolve("sock-ro"), directory.resolve("state"),
                directory.resolve("run"), Optional.empty(), "qemu:///system", Path.of("/usr/bin/kahvem"),
                MachineStarter.of(List.of("/bin/false")),
                Limits.DEFAULT);
        daemon = Daemon.start(config, () -> false);
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    @Test
    void whateverIsSentTheOthersAreServed() throws IOException, InterruptedException {
        long seed = Long.getLong("kahvem.fuzz.seed", System.nanoTime() & 0xffff_ffffL);
        System.out.printf("RpcFuzzTest: -Dkahvem.fuzz.seed=%d, %d procedures%n", seed, procedures.size());
        assertThat(procedures).hasSizeGreaterThan(150);
        Random random = new Random(seed);
        int descriptors = -1;
        try (Wire other = new Wire(config.socket()).open()) {
            for (int round = 0; round < ROUNDS; round++) {
                if (round == 50) descriptors = quietDescriptors();
                misbehave(random);
                if (round % 10 == 0) assertThat(other.call(Connections.GET_TYPE, new Common.None()).text()).isEqualTo("QEMU");
            }
            assertThat(bugs).isEmpty();
            assertThat(quietDescriptors()).as("open descriptors").isLessThanOrEqualTo(descriptors + 3);
        }
    }

    /// A connection that sends some packets, reads what it may, and ends.
    private void misbehave(Random random) throws IOException {
        try (Wire wire = new Wire(random.nextInt(8) == 0 ? config.readOnlySocket() : config.socket())) {
            if (random.nextInt(6) != 0) wire.open();
            boolean broken = false;
            int asked = 0;
            for (int n = random.nextInt(8); n >= 0 && !broken; n--) {
                ByteBuffer packet = random.nextInt(4) == 0 ? noPacket(random) : call(random, n + 10);
                // A call whose descriptors do not come ends the connection too.
                broken = packet.getInt(0) != packet.remaining() || packet.getInt(16) == MessageType.CALL_WITH_FDS.ordinal();
                if (!broken && packet.getInt(16) == 0) asked++;
                wire.send(packet);
            }
            // An answer to every call, unless the stream of packets was broken: neither silence nor the end of the connection.
            for (int n = 0; !broken && n < asked; ) {
                Packet answer = wire.read();
                if (answer.header().type() == 1) n++;
                if (answer.header().type() == 1 && answer.header().status() == Status.ERROR) {
                    answer.decode(ErrorMessage.CODEC).message().filter(message -> message.contains("a bug in Kahvem")).ifPresent(bugs::add);
                }
            }
        } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).matches("(?s).*(Broken pipe|reset).*")) throw e;
        }
    }

    /// A procedure's arguments, drawn at random and then, mostly, damaged.
    private ByteBuffer call(Random random, int serial) {
        Procedure<?, ?> procedure = procedures.get(random.nextInt(procedures.size()));
        byte[] payload = arguments(procedure, random);
        switch (random.nextInt(6)) {
            case 0 -> {} // as it is
            case 1 -> payload = Arrays.copyOf(payload, payload.length == 0 ? 0 : random.nextInt(payload.length));
            case 2 -> payload = Arrays.copyOf(payload, payload.length + random.nextInt(64));
            default -> {
                for (int n = random.nextInt(3); n >= 0 && payload.length > 0; n--) damage(payload, random);
            }
        }
        return Packet.encode(Header.call(procedure, serial), payload, 0, payload.length);
    }

    private static void damage(byte[] payload, Random random) {
        int word = random.nextInt(payload.length) & ~3;
        ByteBuffer bytes = ByteBuffer.wrap(payload);
        if (word + 4 > payload.length || random.nextBoolean()) {
            payload[random.nextInt(payload.length)] ^= (byte) (1 << random.nextInt(8));
            return;
        }
        int[] values = {0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 4_194_304, 4_194_305, 16384, 16385, payload.length,
            random.nextInt()};
        bytes.putInt(word, values[random.nextInt(values.length)]);
    }

    private static ByteBuffer noPacket(Random random) {
        byte[] payload = new byte[4 * random.nextInt(20)];
        random.nextBytes(payload);
        int program = random.nextInt(6) == 0 ? random.nextInt() : Program.values()[random.nextInt(3)].number();
        Header header = new Header(program, random.nextInt(8) == 0 ? 2 : 1, random.nextInt(450), random.nextInt(9) - 1, random.nextInt(4),
                random.nextInt(4));
        ByteBuffer packet = Packet.encode(header, payload, 0, payload.length);
        if (random.nextInt(4) == 0) packet.putInt(0, random.nextBoolean() ? random.nextInt() : random.nextInt(64));
        return packet;
    }

    private static <A extends Record> byte[] arguments(Procedure<A, ?> procedure, Random random) {
        XdrWriter out = new XdrWriter();
        Codec<A> codec = procedure.argumentsCodec();
        codec.write(out, procedure.arguments().cast(record(procedure.arguments(), random, 0)));
        return out.toBytes();
    }

    private static Object record(Class<?> type, Random random, int depth) {
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        Class<?>[] types = new Class<?>[components.length];
        for (int n = 0; n < components.length; n++) {
            types[n] = components[n].getType();
            values[n] = value(components[n], random, depth);
        }
        try {
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(type.toString(), e);
        }
    }

    private static Object value(RecordComponent component, Random random, int depth) {
        Chars chars = component.getAnnotation(Chars.class);
        if (chars != null && chars.value() > 0) return new byte[chars.value()];
        return value(component.getGenericType(), random, depth);
    }

    private static Object value(Type type, Random random, int depth) {
        if (type == int.class || type == Integer.class) return random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(5) - 1;
        if (type == long.class || type == Long.class) return random.nextInt(4) == 0 ? random.nextLong() : (long) random.nextInt(5000);
        if (type == double.class || type == Double.class) return random.nextDouble();
        if (type == boolean.class || type == Boolean.class) return random.nextBoolean();
        if (type == String.class) return text(random);
        if (type == UUID.class) return new UUID(random.nextLong(), random.nextLong());
        if (type == byte[].class) return new byte[random.nextInt(40)];
        if (type instanceof ParameterizedType of) {
            Type inner = of.getActualTypeArguments()[0];
            if (of.getRawType() == Optional.class) return Optional.ofNullable(random.nextBoolean() ? null : value(inner, random, depth));
            List<Object> list = new ArrayList<>();
            for (int n = random.nextInt(4); n > 0; n--) list.add(value(inner, random, depth + 1));
            return list;
        }
        if (type == TypedParameter.class) return TypedParameter.ofInt(text(random), random.nextInt());
        if (type instanceof Class<?> record && record.isRecord()) return record(record, random, depth + 1);
        throw new AssertionError("no value of " + type);
    }

    private static String text(Random random) {
        String[] texts = {
            "", "a", "x".repeat(300), "../../etc/passwd", "<domain",
            "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os></domain>",
            "<pool type='dir'><name>p</name><target><path>/proc/nowhere</path></target></pool>",
            "<secret><usage type='volume'><volume>/x</volume></usage></secret>",
            "\u0000", "\ud83d\ude00", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "{\"execute\":\"quit\"}", "vda", "/dev/null",
            "<cpu><model>Haswell</model></cpu>", "%s%n%p"
        };
        return texts[random.nextInt(texts.length)];
    }

    /// How many descriptors are open once connections that have ended are closed.
    private static int quietDescriptors() throws IOException, InterruptedException {
        int least = Integer.MAX_VALUE;
        for (int n = 0; n < SECONDS_PER_PIECE; n++) {
            TimeUnit.MILLISECONDS.sleep(100);
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                least = Math.min(least, (int) open.count());
            }
        }
        return least;
    }
}
