package io.kahvem.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.LocalServerSocket;
import io.kahvem.qmp.schema.Control.HumanMonitorCommand;
import io.kahvem.qmp.schema.Control.Quit;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.RunStates.QueryStatus;
import io.kahvem.qmp.schema.RunStates.ResetEvent;
import io.kahvem.qmp.schema.RunStates.RunState;
import io.kahvem.qmp.schema.RunStates.SetAction;
import io.kahvem.qmp.schema.RunStates.ShutdownCause;
import io.kahvem.qmp.schema.RunStates.StatusInfo;
import io.kahvem.qmp.schema.RunStates.StopEvent;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class QmpServerTest {
    private static final String NEGOTIATE = "{\"execute\": \"qmp_capabilities\"}\n";

    @TempDir
    Path directory;

    private final QmpService service = new QmpService("a test");
    private Path path = Path.of("");
    private QmpServer server;

    @BeforeEach
    void start() {
        path = directory.resolve("qmp");
        service.on(QueryStatus.class, command -> new StatusInfo(true, false, RunState.RUNNING));
        service.on(HumanMonitorCommand.class, command -> command.commandLine() + command.cpuIndex().map(cpu -> " on " + cpu).orElse(""));
        service.on(SetAction.class, command -> {
            throw new IllegalStateException("handlers can have bugs");
        });
        service.on(Quit.class, (command, call) -> {
            call.afterReply(() -> service.emit(new StopEvent()));
            return new Empty();
        });
        server = new QmpServer(service, LocalServerSocket.listen(path));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private RawClient connect() {
        RawClient client = new RawClient(path);
        assertThat(client.line()).isEqualTo("{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0},"
                + "\"package\":\"a test\"},\"capabilities\":[\"oob\"]}}");
        return client;
    }

    private RawClient negotiated() {
        RawClient client = connect();
        assertThat(client.ask(NEGOTIATE)).isEqualTo("{\"return\":{}}");
        return client;
    }

    private static String error(String description) {
        return "{\"error\":{\"class\":\"GenericError\",\"desc\":\"%s\"}}".formatted(description);
    }

    @Test
    void commandsAreAnsweredWithTheirIds() {
        try (RawClient client = negotiated()) {
            assertThat(client.ask("{\"execute\": \"query-status\", \"id\": {\"any\": [1]}}"))
                    .isEqualTo("{\"return\":{\"running\":true,\"singlestep\":false,\"status\":\"running\"},\"id\":{\"any\":[1]}}");
            assertThat(client.ask("{'execute': 'human-monitor-command', 'arguments': {'command-line': 'x', 'cpu-index': 1}}"))
                    .isEqualTo("{\"return\":\"x on 1\"}");
        }
    }

    @Test
    void severalRequestsMayComeAtOnce() {
        try (RawClient client = negotiated()) {
            client.send("{\"execute\":\"query-status\",\"id\":1}{\"execute\":\"query-name\",\"id\":2}"
                    + "{\"execute\":\"query-status\",\"id\":3}");
            assertThat(client.line()).endsWith("\"id\":1}");
            assertThat(client.line()).contains("CommandNotFound").endsWith("\"id\":2}");
            assertThat(client.line()).endsWith("\"id\":3}");
        }
    }

    @Test
    void nothingButNegotiationWorksBeforeIt() {
        try (RawClient client = connect()) {
            assertThat(client.ask("{\"execute\": \"query-status\"}"))
                    .contains("CommandNotFound").contains("Expecting capabilities negotiation with 'qmp_capabilities'");
            service.emit(new StopEvent());
            assertThat(client.ask("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}"))
                    .isEqualTo("{\"return\":{}}");
            assertThat(client.ask(NEGOTIATE)).contains("Capabilities negotiation is already complete, command ignored");
            assertThat(client.ask("{\"exec-oob\": \"query-status\"}")).isEqualTo(error("The command query-status does not support OOB"));
        }
    }

    @Test
    void badRequestsGetQemusWords() {
        try (RawClient client = negotiated()) {
            assertThat(client.ask("[]")).isEqualTo(error("QMP input must be a JSON object"));
            assertThat(client.ask("{}")).isEqualTo(error("QMP input lacks member 'execute'"));
            assertThat(client.ask("{\"execute\": 1}")).isEqualTo(error("QMP input member 'execute' must be a string"));
            assertThat(client.ask("{\"execute\": \"query-status\", \"arguments\": []}"))
                    .isEqualTo(error("QMP input member 'arguments' must be an object"));
            assertThat(client.ask("{\"execute\": \"query-status\", \"more\": 1}"))
                    .isEqualTo(error("QMP input member 'more' is unexpected"));
            assertThat(client.ask("{\"execute\": \"query-status\", \"arguments\": {\"more\": 1}}"))
                    .isEqualTo(error("Parameter 'more' is unexpected"));
            assertThat(client.ask("{\"execute\": \"human-monitor-command\"}")).isEqualTo(error("Parameter 'command-line' is missing"));
            assertThat(client.ask("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": 1}}"))
                    .isEqualTo(error("Invalid parameter type for 'command-line', expected: string"));
            assertThat(client.ask("{\"execute\": \"set-action\", \"arguments\": {\"panic\": \"explode\"}}"))
                    .isEqualTo(error("Parameter 'panic' does not accept value 'explode'"));
        }
    }

    @Test
    void aHandlersBugIsAReplyAndNotTheEnd() {
        try (RawClient client = negotiated()) {
            assertThat(client.ask("{\"execute\": \"set-action\"}")).contains("bug in Kahvem").contains("handlers can have bugs");
            assertThat(client.ask("{\"execute\": \"query-status\"}")).contains("running");
        }
    }

    @Test
    void eventsCarryTheTimeAndReachEverySocketsClient() {
        Path second = directory.resolve("second");
        try (QmpServer more = new QmpServer(service, LocalServerSocket.listen(second));
                RawClient one = negotiated();
                RawClient two = new RawClient(second)) {
            two.line();
            two.ask(NEGOTIATE);
            service.emit(new ResetEvent(true, ShutdownCause.GUEST_RESET));
            for (RawClient client : new RawClient[] {one, two}) {
                assertThat(client.line()).matches("\\{\"timestamp\":\\{.*\"seconds\":\\d{10,}.*},"
                        + "\"event\":\"RESET\",\"data\":\\{\"guest\":true,\"reason\":\"guest-reset\"}}");
            }
            more.close();
            assertThat(two.line()).isEmpty();
        }
    }

    @Test
    void whatAnActionTellsComesAfterItsReply() {
        try (RawClient client = negotiated()) {
            assertThat(client.ask("{\"execute\": \"quit\"}")).isEqualTo("{\"return\":{}}");
            assertThat(client.line()).contains("\"STOP\"").doesNotContain("data");
        }
    }

    @Test
    void clientsComeOneAfterTheOther() {
        try (RawClient first = negotiated(); RawClient second = new RawClient(path)) {
            first.close();
            assertThat(second.line()).contains("QMP");
            second.ask(NEGOTIATE);
            assertThat(second.ask("{\"execute\": \"query-status\"}")).contains("running");
        }
    }

    @Test
    void theSchemaNamesWhatThereIs() {
        try (RawClient client = negotiated()) {
            String commands = client.ask("{\"execute\": \"query-commands\"}");
            assertThat(commands).contains("{\"name\":\"query-status\"}").contains("qmp_capabilities").doesNotContain("query-name");
            String schema = client.ask("{\"execute\": \"query-qmp-schema\"}");
            assertThat(schema).contains("\"meta-type\":\"command\",\"name\":\"query-status\"").contains("\"name\":\"SHUTDOWN\"")
                    .contains("guest-panic").contains("\"default\":null");
        }
    }

    @Test
    void aClientThatDoesNotReadDelaysNobodyAndIsGivenUp() {
        try (RawClient deaf = negotiated()) {
            for (int n = 0; n < 60_000; n++) service.emit(new ResetEvent(true, ShutdownCause.GUEST_RESET));
        }
        try (RawClient next = negotiated()) {
            assertThat(next.ask("{\"execute\": \"query-status\"}")).contains("running");
        }
    }

    /// Malformed input of many kinds, from seeds: each stream is answered or not, and the server still answers afterwards.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void nonsenseNeitherCrashesNorHangsIt(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 20; round++) {
            try (RawClient client = negotiated()) {
                Thread reader = Thread.ofPlatform().daemon().start(() -> {
                    while (!client.line().isEmpty()) Thread.onSpinWait();
                });
                client.send(Nonsense.bytes(random));
                client.close();
                reader.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        try (RawClient client = negotiated()) {
            client.send(Nonsense.bytes(random));
            client.send(new byte[] {(byte) 0xff, '\n'});
            client.send("{\"execute\": \"query-status\", \"id\": \"after\"}");
            String line = client.line();
            while (!line.contains("\"after\"")) line = client.line();
            assertThat(line).contains("running");
        }
    }
}
