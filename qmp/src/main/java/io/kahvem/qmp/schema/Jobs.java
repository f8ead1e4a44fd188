package io.kahvem.qmp.schema;

import java.util.List;

/// Work in the background: QEMU's job.json.
public interface Jobs {
    record QueryJobs() implements Command<List<JobInfo>> {}

    record JobInfo(String id, String type, String status, long currentProgress, long totalProgress) {}
}
