package io.kahvem.block.crypto;

import java.lang.foreign.MemorySegment;

/// Encryption of whole sectors, in place. Safe from any thread.
public interface SectorCipher {
    /// @param offset bytes, by which sectors are numbered: a multiple of 512, as the length is
    void decrypt(long offset, MemorySegment sectors);

    void encrypt(long offset, MemorySegment sectors);
}
