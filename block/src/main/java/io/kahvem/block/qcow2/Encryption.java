package io.kahvem.block.qcow2;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.crypto.Luks;
import io.kahvem.block.crypto.SectorCipher;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// Which cipher an image's clusters are read with (qcow2.txt, "Full disk encryption header pointer").
final class Encryption {
    private Encryption() {}

    /// Null for an image in the clear. Throws [BlockException] in QEMU's words where there is no passphrase, or a wrong one.
    static @Nullable SectorCipher open(Header header, BlockNode file, byte @Nullable [] passphrase) {
        return switch (header.cryptMethod) {
            case Header.CRYPT_NONE -> null;
            case Header.CRYPT_LUKS -> luks(header, file, passphrase);
            default -> throw BlockException.invalid("Use of AES-CBC encrypted qcow2 images is no longer supported in system emulators");
        };
    }

    private static SectorCipher luks(Header header, BlockNode file, byte @Nullable [] passphrase) {
        Header.Extension pointer = header.extension(Header.EXT_CRYPTO);
        if (pointer == null || pointer.data().length != 16) throw BlockException.invalid(
                "CRYPTO header extension not expected or of a wrong size");
        ByteBuffer fields = ByteBuffer.wrap(pointer.data());
        long offset = fields.getLong();
        long length = fields.getLong();
        if (offset <= 0 || offset % header.clusterSize() != 0 || length <= 0) {
            throw BlockException.invalid("Encryption header offset '%d' is not a multiple of cluster size '%d'"
                    .formatted(offset, header.clusterSize()));
        }
        if (passphrase == null) throw BlockException.invalid("Parameter 'encrypt.key-secret' is required for cipher");
        return Luks.open(file, offset, length, passphrase);
    }
}
