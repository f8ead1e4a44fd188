package io.kahvem.vmm.control;

import io.kahvem.host.LocalServerSocket;
import io.kahvem.qmp.QmpServer;
import io.kahvem.qmp.QmpService;
import io.kahvem.vmm.DescriptorSets;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.MachineEvent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The control sockets of one machine. They are made with it, so that nothing is opened later, and answer once [#serve] is called.
public final class MachineControl implements AutoCloseable {
    private static final String PACKAGE = "Kahvem";

    private final List<LocalServerSocket> sockets = new ArrayList<>();
    private final List<QmpServer> servers = new ArrayList<>();
    private final PassedDescriptors files;
    private Optional<JobTable> jobs = Optional.empty();
    private Optional<BlockNodes> nodes = Optional.empty();

    /// Throws [io.kahvem.host.HostException] where a socket cannot be made; none is left then.
    ///
    /// @param sets where add-fd puts what is passed
    public MachineControl(List<Path> paths, DescriptorSets sets) {
        files = new PassedDescriptors(sets);
        try {
            for (Path path : paths) sockets.add(LocalServerSocket.listen(path));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /// Answers by what `machine` does. Once.
    public void serve(Machine machine) {
        if (sockets.isEmpty()) return;
        QmpService service = new QmpService(PACKAGE);
        new RunStateCommands(machine).addTo(service);
        new MachineCommands(machine).addTo(service);
        files.addTo(service);
        JobTable table = new JobTable(service);
        jobs = Optional.of(table);
        table.addCommands();
        BlockNodes added = new BlockNodes(new ImageFiles(files));
        nodes = Optional.of(added);
        added.addTo(service);
        DiskWorkCommands work = new DiskWorkCommands(machine, new ImageFiles(files), added, table);
        work.addTo(service);
        BitmapCommands bitmaps = new BitmapCommands(work);
        bitmaps.addTo(service);
        new DeviceCommands(machine, added, service).addCommands();
        new TransactionCommand(machine, work, bitmaps).addTo(service);
        new BlockCommands(machine, new ImageFiles(files), table).addTo(service);
        new ScreenCommands(machine, files).addTo(service);
        new MemoryCommands(machine, files, service).addCommands();
        new HumanMonitor(machine).addTo(service);
        new BalloonCommands(machine).addTo(service);
        machine.listen(event -> {
            if (event instanceof MachineEvent.BalloonChanged) {
                service.emitSlowly(RunStateCommands.told(event));
            } else {
                service.emit(RunStateCommands.told(event));
            }
        });
        for (LocalServerSocket socket : sockets) servers.add(new QmpServer(service, socket));
    }

    /// Ends the jobs, then the sessions; clients that read get what they are owed.
    @Override
    public void close() {
        jobs.ifPresent(JobTable::close);
        servers.forEach(QmpServer::close);
        nodes.ifPresent(BlockNodes::close);
        sockets.forEach(LocalServerSocket::close);
    }
}
