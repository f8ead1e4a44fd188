package io.kahvem.vmm;

import io.kahvem.hypervisor.CpuState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// What other threads want to know of a vCPU's state, which its own thread alone may look at.
final class StateRequests {
    private final List<CompletableFuture<CpuState>> waiting = new ArrayList<>();
    private boolean ended;

    /// Completes with a copy of the state soon, if the vCPU's thread looks here soon; exceptionally, once that has ended.
    synchronized CompletableFuture<CpuState> ask() {
        CompletableFuture<CpuState> answer = new CompletableFuture<>();
        if (ended) answer.completeExceptionally(new IllegalStateException("the machine has ended"));
        else waiting.add(answer);
        return answer;
    }

    synchronized boolean isWaitedFor() {
        return !waiting.isEmpty();
    }

    /// On the vCPU's thread, outside the guest.
    synchronized void answer(Supplier<CpuState> state) {
        if (waiting.isEmpty()) return;
        CpuState now = state.get();
        waiting.forEach(each -> each.complete(now));
        waiting.clear();
    }

    /// On the vCPU's thread: nobody will answer any more.
    synchronized void end() {
        ended = true;
        waiting.forEach(each -> each.completeExceptionally(new IllegalStateException("the machine has ended")));
        waiting.clear();
    }
}
