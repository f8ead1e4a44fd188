package io.kahvem.block.tool;

/// Hears how far a copy is. Called on any thread, not two at once.
public interface Progress {
    Progress NONE = (done, total) -> { };

    void moved(long doneBytes, long totalBytes);
}
