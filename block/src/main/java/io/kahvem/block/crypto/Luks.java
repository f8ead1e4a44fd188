package io.kahvem.block.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// LUKS1 (LUKS On-Disk Format Specification 1.2.3): a master key, split over much material, that each of eight passphrases unlocks.
public final class Luks {
    private static final byte[] MAGIC = {'L', 'U', 'K', 'S', (byte) 0xba, (byte) 0xbe};
    private static final int HEADER = 592;
    private static final int SLOTS = 8;
    private static final int FIRST_SLOT = 208;
    private static final int SLOT = 48;
    private static final int SLOT_ENABLED = 0x00ac_71f3;
    private static final int DIGEST = 20;
    private static final int SALT = 32;

    /// What a damaged header could ask for without end: some minutes of hashing, and more material than any program writes.
    private static final int MOST_ITERATIONS = 1 << 26;

    private static final int MOST_STRIPES = 10_000;

    private Luks() {}

    /// The cipher of what this header guards. Throws [BlockException] where it is damaged or the passphrase wrong.
    ///
    /// @param offset where the header is in `file`
    /// @param length what it has room for, key material included
    public static SectorCipher open(BlockNode file, long offset, long length, byte[] passphrase) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(HEADER);
            file.read(offset, memory);
            return unlock(file, offset, length, ByteBuffer.wrap(memory.toArray(JAVA_BYTE)), passphrase);
        } catch (GeneralSecurityException e) {
            throw new BlockException(Errno.EINVAL, "LUKS: " + e.getMessage(), e);
        }
    }

    private static SectorCipher unlock(BlockNode file, long offset, long length, ByteBuffer h, byte[] passphrase)
            throws GeneralSecurityException {
        byte[] magic = new byte[6];
        h.get(0, magic);
        if (!Arrays.equals(magic, MAGIC)) throw BlockException.invalid("Volume is not in LUKS format");
        if (h.getShort(6) != 1) throw BlockException.invalid("LUKS version %d is not supported".formatted(h.getShort(6)));
        String cipher = text(h, 8);
        if (!cipher.equals("aes")) throw BlockException.invalid("Algorithm '%s' is not supported".formatted(cipher));
        String mode = text(h, 40);
        String hash = javaHash(text(h, 72));
        int keyBytes = h.getInt(108);
        if (keyBytes <= 0 || keyBytes > 64) throw BlockException.invalid("LUKS key of %d bytes".formatted(keyBytes));
        byte[] digest = new byte[DIGEST];
        h.get(112, digest);
        byte[] digestSalt = new byte[SALT];
        h.get(132, digestSalt);
        int digestIterations = iterations(h.getInt(164));
        for (int slot = 0; slot < SLOTS; slot++) {
            int at = FIRST_SLOT + slot * SLOT;
            if (h.getInt(at) != SLOT_ENABLED) continue;
            byte[] salt = new byte[SALT];
            h.get(at + 8, salt);
            byte[] derived = pbkdf2(hash, passphrase, salt, iterations(h.getInt(at + 4)), keyBytes);
            int stripes = h.getInt(at + 44);
            long material = Integer.toUnsignedLong(h.getInt(at + 40)) * SectorModes.SECTOR;
            if (stripes <= 0 || stripes > MOST_STRIPES || material + (long) stripes * keyBytes > length) {
                throw BlockException.invalid("LUKS key slot %d is damaged".formatted(slot));
            }
            byte[] key = merge(hash, material(file, offset + material, stripes * keyBytes, mode, derived), keyBytes, stripes);
            if (Arrays.equals(pbkdf2(hash, key, digestSalt, digestIterations, DIGEST), digest)) return new SectorModes(mode, key);
        }
        throw new BlockException(Errno.EPERM, "Invalid password, cannot unlock any keyslot");
    }

    private static byte[] material(BlockNode file, long offset, int length, String mode, byte[] key) {
        int whole = (length + SectorModes.SECTOR - 1) / SectorModes.SECTOR * SectorModes.SECTOR;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(whole, SectorModes.SECTOR);
            file.read(offset, memory);
            new SectorModes(mode, key).decrypt(0, memory);
            return memory.asSlice(0, length).toArray(JAVA_BYTE);
        }
    }

    private static int iterations(int count) {
        if (count <= 0 || count > MOST_ITERATIONS) throw BlockException.invalid("LUKS header asks for %d iterations"
                .formatted(Integer.toUnsignedLong(count)));
        return count;
    }

    private static String text(ByteBuffer h, int at) {
        byte[] bytes = new byte[32];
        h.get(at, bytes);
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) end++;
        return new String(bytes, 0, end, StandardCharsets.US_ASCII);
    }

    /// A hash by the name the JDK gives it.
    static String javaHash(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "sha1" -> "SHA-1";
            case "sha224" -> "SHA-224";
            case "sha256" -> "SHA-256";
            case "sha384" -> "SHA-384";
            case "sha512" -> "SHA-512";
            default -> throw BlockException.invalid("Hash '%s' is not supported".formatted(name));
        };
    }

    /// RFC 8018, 5.2.
    private static byte[] pbkdf2(String hash, byte[] password, byte[] salt, int iterations, int length) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("Hmac" + hash.replace("-", ""));
        // An empty key is HMAC's key of zeros.
        mac.init(new SecretKeySpec(password.length == 0 ? new byte[1] : password, "HMAC"));
        byte[] out = new byte[length];
        for (int block = 1, at = 0; at < length; block++) {
            mac.update(salt);
            byte[] u = mac.doFinal(ByteBuffer.allocate(4).putInt(block).array());
            byte[] t = u.clone();
            for (int n = 1; n < iterations; n++) {
                mac.update(u);
                mac.doFinal(u, 0);
                for (int k = 0; k < t.length; k++) t[k] ^= u[k];
            }
            int part = Math.min(t.length, length - at);
            System.arraycopy(t, 0, out, at, part);
            at += part;
        }
        return out;
    }

    /// The anti-forensic splitter backwards (the specification's chapter 2.4).
    private static byte[] merge(String hash, byte[] material, int keyBytes, int stripes) throws GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance(hash);
        byte[] block = new byte[keyBytes];
        for (int stripe = 0; stripe < stripes; stripe++) {
            for (int n = 0; n < keyBytes; n++) block[n] ^= material[stripe * keyBytes + n];
            if (stripe < stripes - 1) block = diffuse(digest, block);
        }
        return block;
    }

    private static byte[] diffuse(MessageDigest digest, byte[] block) {
        byte[] out = new byte[block.length];
        int size = digest.getDigestLength();
        for (int n = 0, at = 0; at < block.length; n++, at += size) {
            int part = Math.min(size, block.length - at);
            digest.update(ByteBuffer.allocate(4).putInt(n).array());
            digest.update(block, at, part);
            System.arraycopy(digest.digest(), 0, out, at, part);
        }
        return out;
    }
}
