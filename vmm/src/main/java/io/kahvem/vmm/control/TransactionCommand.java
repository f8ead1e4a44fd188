package io.kahvem.vmm.control;

import io.kahvem.block.Disk;
import io.kahvem.block.job.BlockJob;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.BlockJobs.Transaction;
import io.kahvem.qmp.schema.BlockJobs.TransactionAction;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.vmm.Machine;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// QMP's transaction: several disks at one moment, while their requests wait, and all of it or nothing.
final class TransactionCommand {
    private final Machine machine;
    private final DiskWorkCommands disks;
    private final BitmapCommands bitmaps;

    TransactionCommand(Machine machine, DiskWorkCommands disks, BitmapCommands bitmaps) {
        this.machine = machine;
        this.disks = disks;
        this.bitmaps = bitmaps;
    }

    void addTo(QmpService service) {
        service.on(Transaction.class, this::carryOut);
    }

    private Empty carryOut(Transaction command, QmpCall call) {
        List<BlockJob> jobs = new ArrayList<>();
        List<Disk> all = machine.drives().values().stream().flatMap(drive -> drive.medium().stream()).toList();
        together(all, () -> carryOut(command.actions(), jobs, call));
        call.afterReply(() -> jobs.forEach(BlockJob::start));
        return new Empty();
    }

    private static void together(List<Disk> disks, Runnable something) {
        if (disks.isEmpty()) something.run();
        else disks.getFirst().exclusively(() -> together(disks.subList(1, disks.size()), something));
    }

    private void carryOut(List<TransactionAction> actions, List<BlockJob> jobs, QmpCall call) {
        Deque<Runnable> undo = new ArrayDeque<>();
        try {
            for (TransactionAction action : actions) undo.push(carryOut(action, jobs, call));
        } catch (QmpException e) {
            undo.forEach(Runnable::run);
            throw e;
        }
    }

    private Runnable carryOut(TransactionAction action, List<BlockJob> jobs, QmpCall call) {
        return switch (action) {
            case TransactionAction.Abort ignored -> throw new QmpException("Transaction aborted using Abort action");
            case TransactionAction.SnapshotSync snapshot -> disks.snapshot(snapshot.data(), call);
            case TransactionAction.Drive backup -> entered(disks.backup(backup.data(), call), jobs);
            case TransactionAction.Blockdev backup -> entered(disks.backup(backup.data()), jobs);
            case TransactionAction.BitmapAdd add -> bitmaps.add(add.data());
            case TransactionAction.BitmapClear clear -> bitmaps.clear(clear.data());
            case TransactionAction.BitmapEnable enable -> bitmaps.enable(enable.data().node(), enable.data().name(), true);
            case TransactionAction.BitmapDisable disable -> bitmaps.enable(disable.data().node(), disable.data().name(), false);
            case TransactionAction.BitmapMerge merge -> bitmaps.merge(merge.data());
        };
    }

    private static Runnable entered(BlockJob job, List<BlockJob> jobs) {
        jobs.add(job);
        return () -> {
            job.cancel(true);
            job.start();
            job.stop();
        };
    }
}
