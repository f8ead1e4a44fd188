package io.kahvem.jvm.mmu;

/// The right to access memory while no other vCPU does: for locked accesses that no instruction of the host makes atomic. By the vCPU's own
/// thread, which holds no lock.
public interface Exclusive {
    /// Where there is one vCPU.
    Exclusive ALONE = new Exclusive() {
        @Override
        public void begin() {}

        @Override
        public void end() {}
    };

    /// Returns once every other vCPU stands between two instructions, and stays there until [#end]. The right to store to a page may have
    /// been lost meanwhile: addresses are to be translated after it.
    void begin();

    void end();
}
