package io.kahvem.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalServerSocket;
import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.schema.Control.CommandInfo;
import io.kahvem.qmp.schema.Control.QueryCommands;
import io.kahvem.qmp.schema.Control.QueryQmpSchema;
import io.kahvem.qmp.schema.Descriptors.AddFd;
import io.kahvem.qmp.schema.Descriptors.AddfdInfo;
import io.kahvem.qmp.schema.Machines.QueryName;
import io.kahvem.qmp.schema.RunStates.QueryStatus;
import io.kahvem.qmp.schema.RunStates.ResetEvent;
import io.kahvem.qmp.schema.RunStates.RunState;
import io.kahvem.qmp.schema.RunStates.ShutdownCause;
import io.kahvem.qmp.schema.RunStates.StatusInfo;
import io.kahvem.qmp.schema.RunStates.StopEvent;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class QmpClientTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    private final QmpService service = new QmpService("a test");
    private final BlockingQueue<QmpClient.Received> events = new LinkedBlockingQueue<>();

    private QmpServer serve() {
        service.on(QueryStatus.class, command -> new StatusInfo(false, false, RunState.IO_ERROR));
        service.on(AddFd.class, (command, call) -> {
            try (var passed = call.takeDescriptor().orElseThrow(() -> new QmpException("No file descriptor supplied via SCM_RIGHTS"))) {
                return new AddfdInfo(command.fdsetId().orElse(0L), passed.number());
            }
        });
        return new QmpServer(service, LocalServerSocket.listen(directory.resolve("qmp")));
    }

    private QmpClient connect() {
        return QmpClient.connect(directory.resolve("qmp"), PATIENCE, events::add);
    }

    @Test
    void commandsReturnRecords() {
        try (QmpServer server = serve(); QmpClient client = connect()) {
            assertThat(client.version().packageName()).isEqualTo("a test");
            assertThat(client.execute(new QueryStatus())).isEqualTo(new StatusInfo(false, false, RunState.IO_ERROR));
            assertThat(client.execute(new QueryCommands())).contains(new CommandInfo("query-status"));
            assertThat(client.execute(new QueryQmpSchema())).hasSizeGreaterThan(20);
        }
    }

    @Test
    void refusalsAreExceptionsWithTheirClass() {
        try (QmpServer server = serve(); QmpClient client = connect()) {
            assertThatThrownBy(() -> client.execute(new QueryName()))
                    .isInstanceOfSatisfying(QmpException.class, e -> {
                        assertThat(e.errorClass()).isEqualTo(ErrorClass.CommandNotFound);
                        assertThat(e.description()).isEqualTo("The command query-name has not been found");
                    });
        }
    }

    @Test
    void eventsComeInTheirOrderWithTheirTime() throws InterruptedException {
        Instant before = Instant.now().minusSeconds(1);
        try (QmpServer server = serve(); QmpClient client = connect()) {
            service.emit(new StopEvent());
            service.emit(new ResetEvent(false, ShutdownCause.HOST_QMP_SYSTEM_RESET));
            QmpClient.Received first = events.take();
            assertThat(first.name()).isEqualTo("STOP");
            assertThat(first.time()).isBetween(before, Instant.now().plusSeconds(1));
            assertThat(events.take().known()).contains(new ResetEvent(false, ShutdownCause.HOST_QMP_SYSTEM_RESET));
        }
    }

    @Test
    void theEndOfTheOtherSideIsTold() throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        QmpServer server = serve();
        try (QmpClient client = QmpClient.connect(directory.resolve("qmp"), PATIENCE, new QmpClient.Listener() {
            @Override
            public void event(QmpClient.Received event) {}

            @Override
            public void ended() {
                ended.countDown();
            }
        })) {
            server.close();
            ended.await();
            assertThatThrownBy(() -> client.execute(new QueryStatus())).isInstanceOf(QmpConnectionException.class);
        }
        assertThatThrownBy(this::connect).isInstanceOf(HostException.class);
    }

    @Test
    void whoNeverAnswersIsNotWaitedForForEver() {
        try (LocalServerSocket mute = LocalServerSocket.listen(directory.resolve("mute"))) {
            assertThatThrownBy(() -> QmpClient.connect(mute.path(), Duration.ofMillis(50), event -> {}))
                    .isInstanceOf(QmpConnectionException.class).hasMessageContaining("greeting");
        }
    }

    @Test
    void descriptorsGoWithTheCommandTheyBelongTo() {
        assumeTrue(LocalSocket.passesDescriptors(), "this host passes no descriptors");
        try (QmpServer server = serve(); QmpClient client = connect();
                Descriptor zero = Descriptor.open("/dev/null")) {
            AddfdInfo info = client.execute(new AddFd(Optional.of(3L), Optional.empty()), List.of(zero));
            assertThat(info.fdsetId()).isEqualTo(3);
            assertThat(info.fd()).isNotEqualTo(zero.number());
            assertThatThrownBy(() -> client.execute(new AddFd(Optional.empty(), Optional.empty())))
                    .isInstanceOf(QmpException.class).hasMessage("No file descriptor supplied via SCM_RIGHTS");
        }
    }
}
