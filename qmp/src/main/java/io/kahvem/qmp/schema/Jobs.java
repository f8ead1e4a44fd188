package io.kahvem.qmp.schema;

import java.util.List;
import java.util.Optional;

/// Work in the background: QEMU's job.json.
public interface Jobs {
    record QueryJobs() implements Command<List<JobInfo>> {}

    record JobInfo(String id, JobType type, JobStatus status, long currentProgress, long totalProgress, Optional<String> error) {}

    enum JobType {
        COMMIT,
        STREAM,
        MIRROR,
        BACKUP
    }

    enum JobStatus {
        CREATED,
        RUNNING,
        PAUSED,
        READY,
        STANDBY,
        WAITING,
        PENDING,
        ABORTING,
        CONCLUDED,
        NULL
    }

    record JobPause(String id) implements Command<Empty> {}

    record JobResume(String id) implements Command<Empty> {}

    record JobCancel(String id) implements Command<Empty> {}

    record JobComplete(String id) implements Command<Empty> {}

    record JobFinalize(String id) implements Command<Empty> {}

    record JobDismiss(String id) implements Command<Empty> {}

    @Name("JOB_STATUS_CHANGE")
    record JobStatusChangeEvent(String id, JobStatus status) implements Event {}
}
