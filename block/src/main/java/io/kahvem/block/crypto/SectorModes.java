package io.kahvem.block.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// AES over sectors of 512 bytes: XTS (IEEE 1619) and CBC, with sector numbers for initial vectors as dm-crypt names them (plain, plain64,
/// essiv).
final class SectorModes implements SectorCipher {
    static final int SECTOR = 512;
    private static final int BLOCK = 16;
    private static final int XTS_POLYNOMIAL = 0x87;

    private final boolean xts;
    private final boolean narrow;
    private final byte[] key;
    private final byte @Nullable [] essivKey;
    private final ConcurrentLinkedQueue<Worker> idle = new ConcurrentLinkedQueue<>();

    /// @param mode of dm-crypt's kind: `xts-plain64`, `cbc-essiv:sha256`...
    SectorModes(String mode, byte[] key) {
        this.key = key.clone();
        String[] parts = mode.split("[-:]");
        String generator = parts.length < 2 ? "" : parts[1];
        xts = parts[0].equals("xts");
        narrow = generator.equals("plain");
        boolean known = (xts || parts[0].equals("cbc")) && (narrow || generator.equals("plain64") || generator.equals("essiv"));
        int each = xts ? key.length / 2 : key.length;
        if (!known || each != 16 && each != 24 && each != 32) {
            throw BlockException.invalid("Cipher mode 'aes-%s' with a key of %d bits is not supported".formatted(mode, 8 * key.length));
        }
        essivKey = generator.equals("essiv") ? hash(parts.length < 3 ? "sha256" : parts[2], key) : null;
    }

    private static byte[] hash(String name, byte[] bytes) {
        try {
            return MessageDigest.getInstance(Luks.javaHash(name)).digest(bytes);
        } catch (GeneralSecurityException e) {
            throw BlockException.invalid("Hash '%s' is not supported".formatted(name));
        }
    }

    @Override
    public void decrypt(long offset, MemorySegment sectors) {
        run(offset, sectors, Cipher.DECRYPT_MODE);
    }

    @Override
    public void encrypt(long offset, MemorySegment sectors) {
        run(offset, sectors, Cipher.ENCRYPT_MODE);
    }

    private void run(long offset, MemorySegment sectors, int direction) {
        Worker worker = idle.poll();
        if (worker == null) worker = new Worker();
        try {
            for (long at = 0; at < sectors.byteSize(); at += SECTOR) worker.sector((offset + at) / SECTOR, sectors.asSlice(at, SECTOR),
                    direction);
        } catch (GeneralSecurityException e) {
            throw new AssertionError("AES over whole blocks does not fail", e);
        }
        idle.add(worker);
    }

    /// One thread's ciphers and memory.
    private final class Worker {
        private final Cipher encrypt;
        private final Cipher decrypt;
        private final Cipher vector;
        private final SecretKeySpec dataKey;
        private final byte[] data = new byte[SECTOR];
        private final byte[] tweaks = new byte[SECTOR];
        private final byte[] number = new byte[BLOCK];

        Worker() {
            try {
                dataKey = new SecretKeySpec(xts ? Arrays.copyOf(key, key.length / 2) : key, "AES");
                byte[] second = xts ? Arrays.copyOfRange(key, key.length / 2, key.length) : essivKey == null ? key : essivKey;
                vector = Cipher.getInstance("AES/ECB/NoPadding");
                vector.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(second, "AES"));
                encrypt = Cipher.getInstance(xts ? "AES/ECB/NoPadding" : "AES/CBC/NoPadding");
                decrypt = Cipher.getInstance(xts ? "AES/ECB/NoPadding" : "AES/CBC/NoPadding");
                if (xts) {
                    encrypt.init(Cipher.ENCRYPT_MODE, dataKey);
                    decrypt.init(Cipher.DECRYPT_MODE, dataKey);
                }
            } catch (GeneralSecurityException e) {
                throw new AssertionError("every JDK has AES", e);
            }
        }

        void sector(long sector, MemorySegment memory, int direction) throws GeneralSecurityException {
            Cipher cipher = direction == Cipher.ENCRYPT_MODE ? encrypt : decrypt;
            MemorySegment.copy(memory, JAVA_BYTE, 0, data, 0, SECTOR);
            Arrays.fill(number, (byte) 0);
            for (int n = 0; n < (narrow ? 4 : 8); n++) number[n] = (byte) (sector >>> 8 * n);
            if (xts) {
                fillTweaks(vector.doFinal(number));
                for (int n = 0; n < SECTOR; n++) data[n] ^= tweaks[n];
                byte[] result = cipher.doFinal(data);
                for (int n = 0; n < SECTOR; n++) data[n] = (byte) (result[n] ^ tweaks[n]);
            } else {
                byte[] iv = essivKey == null ? number : vector.doFinal(number);
                cipher.init(direction, dataKey, new IvParameterSpec(iv));
                System.arraycopy(cipher.doFinal(data), 0, data, 0, SECTOR);
            }
            MemorySegment.copy(data, 0, memory, JAVA_BYTE, 0, SECTOR);
        }

        /// The tweak of each block is the one before it, times x.
        private void fillTweaks(byte[] first) {
            System.arraycopy(first, 0, tweaks, 0, BLOCK);
            for (int at = BLOCK; at < SECTOR; at += BLOCK) {
                int carry = 0;
                for (int n = 0; n < BLOCK; n++) {
                    int value = tweaks[at - BLOCK + n] & 0xff;
                    tweaks[at + n] = (byte) (value << 1 | carry);
                    carry = value >>> 7;
                }
                if (carry != 0) tweaks[at] ^= (byte) XTS_POLYNOMIAL;
            }
        }
    }
}
