package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.Disk;
import io.kahvem.block.ErrorPolicy;
import io.kahvem.block.job.BlockJob;
import io.kahvem.block.job.JobControl;
import io.kahvem.block.job.JobWork;
import io.kahvem.host.Errno;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.BlockJobs;
import io.kahvem.qmp.schema.BlockJobs.BlockErrorAction;
import io.kahvem.qmp.schema.BlockJobs.BlockJobInfo;
import io.kahvem.qmp.schema.BlockJobs.IoOperationType;
import io.kahvem.qmp.schema.Blocks.BlockDeviceIoStatus;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.Jobs;
import io.kahvem.qmp.schema.Jobs.JobStatus;
import io.kahvem.qmp.schema.Jobs.JobType;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/// The jobs of a machine: what runs in the background on its disks, by its id, and the commands and events about it.
///
/// Any thread; jobs tell of themselves under their locks, so that nothing here is locked. Who enters jobs does so one after the other.
final class JobTable implements AutoCloseable {
    private static final String ID = "[A-Za-z][A-Za-z0-9._-]*";

    private record Entry(BlockJob job, Disk disk) {}

    private final QmpService service;
    private final List<Entry> entries = new CopyOnWriteArrayList<>();

    JobTable(QmpService service) {
        this.service = service;
    }

    void addCommands() {
        service.on(Jobs.QueryJobs.class, command -> jobs().stream().map(JobTable::jobInfo).toList());
        service.on(BlockJobs.QueryBlockJobs.class, command -> jobs().stream().map(JobTable::info).toList());
        service.on(BlockJobs.BlockJobSetSpeed.class, command -> ask(blockJob(command.device()), job -> job.setSpeed(command.speed())));
        service.on(BlockJobs.BlockJobCancel.class, this::cancel);
        service.on(BlockJobs.BlockJobPause.class, command -> ask(blockJob(command.device()), BlockJob::pause));
        service.on(BlockJobs.BlockJobResume.class, command -> ask(blockJob(command.device()), BlockJob::resume));
        service.on(BlockJobs.BlockJobComplete.class, command -> ask(blockJob(command.device()), BlockJob::complete));
        service.on(BlockJobs.BlockJobFinalize.class, command -> ask(blockJob(command.id()), BlockJob::finish));
        service.on(BlockJobs.BlockJobDismiss.class, command -> ask(blockJob(command.id()), BlockJob::dismiss));
        service.on(Jobs.JobPause.class, command -> ask(job(command.id()), BlockJob::pause));
        service.on(Jobs.JobResume.class, command -> ask(job(command.id()), BlockJob::resume));
        service.on(Jobs.JobCancel.class, command -> ask(job(command.id()), job -> job.cancel(true)));
        service.on(Jobs.JobComplete.class, command -> ask(job(command.id()), BlockJob::complete));
        service.on(Jobs.JobFinalize.class, command -> ask(job(command.id()), BlockJob::finish));
        service.on(Jobs.JobDismiss.class, command -> ask(job(command.id()), BlockJob::dismiss));
    }

    /// Throws [QmpException] in QEMU's words where no job of this id can be, or none on this disk now.
    void requireRoom(String id, String device, Disk disk) {
        requireIdle(device, disk);
        if (!id.matches(ID)) throw new QmpException("Invalid job ID '%s'".formatted(id));
        if (find(id).isPresent()) throw new QmpException("Job ID '%s' already in use".formatted(id));
    }

    /// Throws [QmpException] in QEMU's words where a job works on the disk.
    void requireIdle(String device, Disk disk) {
        Optional<BlockJob> busy = working(disk);
        if (busy.isEmpty()) return;
        throw new QmpException("Node '%s' is busy: block device is in use by block job: %s"
                .formatted(device, busy.get().type().name().toLowerCase(Locale.ROOT)));
    }

    /// The job that works on the disk.
    Optional<BlockJob> working(Disk disk) {
        return entries.stream()
                .filter(entry -> entry.disk.equals(disk) && entry.job.info().status() != BlockJob.Status.CONCLUDED)
                .map(Entry::job).findFirst();
    }

    /// Enters a job; it is to be started when the reply is on its way.
    BlockJob enter(BlockJob.Options options, Disk disk, JobWork work, BlockJob.Ending ending) {
        BlockJob job = new BlockJob(options, work, new Events(), ending);
        entries.add(new Entry(job, disk));
        return job;
    }

    private List<BlockJob> jobs() {
        return entries.stream().map(Entry::job).toList();
    }

    private Optional<BlockJob> find(String id) {
        return jobs().stream().filter(job -> job.id().equals(id)).findFirst();
    }

    private BlockJob blockJob(String id) {
        return find(id).orElseThrow(() -> new QmpException(ErrorClass.DeviceNotActive, "Block job '%s' not found".formatted(id)));
    }

    private BlockJob job(String id) {
        return find(id).orElseThrow(() -> new QmpException("Job not found"));
    }

    private Empty cancel(BlockJobs.BlockJobCancel command) {
        BlockJob job = blockJob(command.device());
        boolean force = command.force().orElse(false);
        if (job.info().paused() && !force) {
            throw new QmpException("The block job for device '%s' is currently paused".formatted(command.device()));
        }
        return ask(job, asked -> asked.cancel(force));
    }

    private Empty ask(BlockJob job, Consumer<BlockJob> request) {
        try {
            request.accept(job);
        } catch (BlockException e) {
            throw ImageFiles.refused(e);
        }
        return new Empty();
    }

    private static JobType type(BlockJob job) {
        return JobType.valueOf(job.type().name());
    }

    private static Jobs.JobInfo jobInfo(BlockJob job) {
        BlockJob.Info info = job.info();
        return new Jobs.JobInfo(job.id(), type(job), JobStatus.valueOf(info.status().name()), info.doneBytes(), info.totalBytes(),
                Optional.ofNullable(info.error()));
    }

    private static BlockJobInfo info(BlockJob job) {
        BlockJob.Info info = job.info();
        BlockDeviceIoStatus io = switch (info.ioError()) {
            case 0 -> BlockDeviceIoStatus.OK;
            case Errno.ENOSPC -> BlockDeviceIoStatus.NOSPACE;
            default -> BlockDeviceIoStatus.FAILED;
        };
        boolean ready = info.status() == BlockJob.Status.READY || info.status() == BlockJob.Status.STANDBY;
        return new BlockJobInfo(type(job), job.id(), info.totalBytes(), info.doneBytes(), info.busy(), info.paused(), info.speed(), io,
                ready, JobStatus.valueOf(info.status().name()), job.options().autoFinalize(), job.options().autoDismiss(),
                Optional.ofNullable(info.error()));
    }

    private final class Events implements BlockJob.Listener {
        @Override
        public void statusChanged(BlockJob job, BlockJob.Status status) {
            service.emit(new Jobs.JobStatusChangeEvent(job.id(), JobStatus.valueOf(status.name())));
            if (status == BlockJob.Status.NULL) entries.removeIf(entry -> entry.job.equals(job));
        }

        @Override
        public void ready(BlockJob job) {
            BlockJob.Info info = job.info();
            service.emit(new BlockJobs.BlockJobReadyEvent(type(job), job.id(), info.totalBytes(), info.doneBytes(), info.speed()));
        }

        @Override
        public void pending(BlockJob job) {
            service.emit(new BlockJobs.BlockJobPendingEvent(type(job), job.id()));
        }

        @Override
        public void completed(BlockJob job) {
            BlockJob.Info info = job.info();
            service.emit(new BlockJobs.BlockJobCompletedEvent(type(job), job.id(), info.totalBytes(), info.doneBytes(), info.speed(),
                    Optional.ofNullable(info.error())));
        }

        @Override
        public void cancelled(BlockJob job) {
            BlockJob.Info info = job.info();
            service.emit(new BlockJobs.BlockJobCancelledEvent(type(job), job.id(), info.totalBytes(), info.doneBytes(), info.speed()));
        }

        @Override
        public void failed(BlockJob job, JobControl.Side side, ErrorPolicy action) {
            IoOperationType operation = switch (side) {
                case SOURCE -> IoOperationType.READ;
                case TARGET -> IoOperationType.WRITE;
            };
            service.emit(new BlockJobs.BlockJobErrorEvent(job.id(), operation, BlockErrorAction.valueOf(action.name())));
        }
    }

    /// Ends all of them, and waits until they have.
    @Override
    public void close() {
        for (BlockJob job : jobs()) job.stop();
    }
}
