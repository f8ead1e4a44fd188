package io.kahvem.block;

import org.jspecify.annotations.Nullable;

/// How an image is opened.
///
/// @param format its format's name, or null: probed from its first bytes
/// @param readOnly not written, nor repaired
/// @param unmap discards reach the host's file
/// @param shareable other writers are allowed (QEMU's share-rw, or `-U` of qemu-img for readers)
/// @param backing the chain is opened too
/// @param snapshot an internal snapshot's id or name to show instead of the disk, or null
/// @param passphrase of an encrypted image, or null
/// @param repair opened to be checked: writable though it is marked as corrupt, and as it was found
/// @param files opens the host's files, of the layers below too
public record OpenOptions(
        @Nullable String format,
        boolean readOnly,
        CacheMode cache,
        boolean unmap,
        boolean shareable,
        boolean backing,
        @Nullable String snapshot,
        byte @Nullable [] passphrase,
        boolean repair,
        FileOpener files) {

    public static OpenOptions readOnly(@Nullable String format) {
        return new OpenOptions(format, true, CacheMode.WRITEBACK, false, false, true, null, null, false, FileOpener.BY_NAME);
    }

    public static OpenOptions writable(@Nullable String format) {
        return new OpenOptions(format, false, CacheMode.WRITEBACK, true, false, true, null, null, false, FileOpener.BY_NAME);
    }

    public OpenOptions withFormat(@Nullable String name) {
        return new OpenOptions(name, readOnly, cache, unmap, shareable, backing, snapshot, passphrase, repair, files);
    }

    public OpenOptions withReadOnly(boolean yes) {
        return new OpenOptions(format, yes, cache, unmap, shareable, backing, snapshot, passphrase, repair, files);
    }

    public OpenOptions withCache(CacheMode mode) {
        return new OpenOptions(format, readOnly, mode, unmap, shareable, backing, snapshot, passphrase, repair, files);
    }

    public OpenOptions withUnmap(boolean yes) {
        return new OpenOptions(format, readOnly, cache, yes, shareable, backing, snapshot, passphrase, repair, files);
    }

    public OpenOptions withShareable(boolean yes) {
        return new OpenOptions(format, readOnly, cache, unmap, yes, backing, snapshot, passphrase, repair, files);
    }

    public OpenOptions withBacking(boolean yes) {
        return new OpenOptions(format, readOnly, cache, unmap, shareable, yes, snapshot, passphrase, repair, files);
    }

    public OpenOptions withSnapshot(@Nullable String idOrName) {
        return new OpenOptions(format, readOnly, cache, unmap, shareable, backing, idOrName, passphrase, repair, files);
    }

    public OpenOptions withPassphrase(byte @Nullable [] secret) {
        return new OpenOptions(format, readOnly, cache, unmap, shareable, backing, snapshot, secret, repair, files);
    }

    public OpenOptions forRepair(boolean yes) {
        return new OpenOptions(format, readOnly, cache, unmap, shareable, backing, snapshot, passphrase, yes, files);
    }

    public OpenOptions withFiles(FileOpener opener) {
        return new OpenOptions(format, readOnly, cache, unmap, shareable, backing, snapshot, passphrase, repair, opener);
    }
}
