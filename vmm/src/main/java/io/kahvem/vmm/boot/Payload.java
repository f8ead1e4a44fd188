package io.kahvem.vmm.boot;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

/// How a bzImage's payload is packed, by its first bytes (Documentation/arch/x86/boot.rst, "payload_offset").
enum Payload {
    ELF(0x7f, 'E', 'L', 'F') {
        @Override
        InputStream unpack(InputStream in, long sizeHint) {
            return in;
        }
    },
    GZIP(0x1f, 0x8b) {
        @Override
        InputStream unpack(InputStream in, long sizeHint) throws IOException {
            return new GZIPInputStream(in, 1 << 16);
        }
    },
    XZ(0xfd, '7', 'z', 'X', 'Z', 0) {
        @Override
        InputStream unpack(InputStream in, long sizeHint) throws IOException {
            return new SingleXZInputStream(in, DICTIONARY_KIBIBYTES);
        }
    },
    LZ4(0x02, 0x21, 0x4c, 0x18) {
        @Override
        InputStream unpack(InputStream in, long sizeHint) throws IOException {
            return new Lz4LegacyInputStream(in);
        }
    },
    ZSTD(0x28, 0xb5, 0x2f, 0xfd) {
        @Override
        InputStream unpack(InputStream in, long sizeHint) throws IOException {
            return new ZstdInputStream(in, sizeHint);
        }
    },
    LZMA(0x5d, 0, 0) {
        @Override
        InputStream unpack(InputStream in, long sizeHint) throws IOException {
            return new LZMAInputStream(in, DICTIONARY_KIBIBYTES);
        }
    },
    /// Not unpacked by us: the kernel's own decompressor does it.
    BZIP2('B', 'Z', 'h') {
        @Override
        InputStream unpack(InputStream in, long sizeHint) {
            throw new AssertionError("bzip2 is left to the guest");
        }
    },
    /// Likewise.
    LZO(0x89, 'L', 'Z', 'O') {
        @Override
        InputStream unpack(InputStream in, long sizeHint) {
            throw new AssertionError("LZO is left to the guest");
        }
    },
    UNKNOWN() {
        @Override
        InputStream unpack(InputStream in, long sizeHint) {
            throw new AssertionError("no known compression");
        }
    };

    static final int MAGIC_BYTES = 6;
    /// Twice what Linux's build gives xz, and a limit on what a wrong header can make us allocate.
    private static final int DICTIONARY_KIBIBYTES = 80 << 10;

    private final byte[] magic;

    Payload(int... magic) {
        this.magic = new byte[magic.length];
        for (int i = 0; i < magic.length; i++) this.magic[i] = (byte) magic[i];
    }

    /// The unpacked bytes; `sizeHint` is how many there will be, if the image tells the truth.
    abstract InputStream unpack(InputStream in, long sizeHint) throws IOException;

    /// Whether the 32-bit unpacked size that the kernel's build appends belongs to the format itself.
    boolean sizeIsPartOfFormat() {
        return this == GZIP;
    }

    boolean unpackedHere() {
        return switch (this) {
            case ELF, GZIP, XZ, LZ4, ZSTD, LZMA -> true;
            case BZIP2, LZO, UNKNOWN -> false;
        };
    }

    static Payload of(byte[] head) {
        for (Payload kind : values()) {
            int length = kind.magic.length;
            if (length > 0 && head.length >= length && Arrays.equals(head, 0, length, kind.magic, 0, length)) return kind;
        }
        return UNKNOWN;
    }
}
