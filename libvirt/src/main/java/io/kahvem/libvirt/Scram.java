package io.kahvem.libvirt;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.spec.KeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: either side proves that it knows the password and neither tells it.
public final class Scram {
    public static final String MECHANISM = "SCRAM-SHA-256";

    /// RFC 7677, section 4, asks for 4,096 at least; a second's worth is for files that are stolen.
    public static final int ITERATIONS = 15_000;

    private static final String NO_BINDING = "n,,";
    private static final int NONCE_BYTES = 18;
    private static final int MAX_ITERATIONS = 1_000_000;

    private Scram() {}

    /// What a server keeps of a password.
    public record Stored(byte[] salt, int iterations, byte[] storedKey, byte[] serverKey) {
        public static Stored of(char[] password, SecureRandom random) {
            byte[] salt = new byte[16];
            random.nextBytes(salt);
            byte[] salted = salted(password, salt, ITERATIONS);
            return new Stored(salt, ITERATIONS, sha256(hmac(salted, "Client Key")), hmac(salted, "Server Key"));
        }

        /// A line of a file: salt, iterations and keys.
        public String print() {
            return "%s:%d:%s:%s".formatted(base64(salt), iterations, base64(storedKey), base64(serverKey));
        }

        /// Throws [IllegalArgumentException] for what is no such line.
        public static Stored parse(String line) {
            String[] parts = line.split(":");
            if (parts.length != 4) throw new IllegalArgumentException("four parts between colons are expected");
            Base64.Decoder decoder = Base64.getDecoder();
            return new Stored(decoder.decode(parts[0]), Integer.parseInt(parts[1]), decoder.decode(parts[2]), decoder.decode(parts[3]));
        }
    }

    /// A client's side of one authentication.
    public static final class Client {
        private final String user;
        private final char[] password;
        private final String nonce;
        private String expectedSignature = "";

        public Client(String user, char[] password, SecureRandom random) {
            this.user = user;
            this.password = password.clone();
            this.nonce = nonce(random);
        }

        /// The first message.
        public byte[] first() {
            return bytes(NO_BINDING + bare());
        }

        private String bare() {
            return "n=%s,r=%s".formatted(user.replace("=", "=3D").replace(",", "=2C"), nonce);
        }

        /// The answer to the server's first message. Throws [DeniedException] for one that is none.
        public byte[] last(byte[] serverFirst) {
            String challenge = text(serverFirst);
            Map<String, String> fields = fields(challenge);
            String combined = fields.getOrDefault("r", "");
            int iterations = iterations(fields.getOrDefault("i", ""));
            if (!combined.startsWith(nonce) || combined.length() == nonce.length() || iterations < 1 || iterations > MAX_ITERATIONS) {
                throw denied("the server's challenge is not one of " + MECHANISM);
            }
            byte[] salted = salted(password, Base64.getDecoder().decode(fields.getOrDefault("s", "")), iterations);
            Arrays.fill(password, '\0');
            String withoutProof = "c=%s,r=%s".formatted(base64(bytes(NO_BINDING)), combined);
            String authMessage = bare() + "," + challenge + "," + withoutProof;
            byte[] clientKey = hmac(salted, "Client Key");
            byte[] proof = xor(clientKey, hmac(sha256(clientKey), authMessage));
            expectedSignature = base64(hmac(hmac(salted, "Server Key"), authMessage));
            return bytes(withoutProof + ",p=" + base64(proof));
        }

        /// Throws [DeniedException] unless the server knows the password too.
        public void verify(byte[] serverLast) {
            if (!text(serverLast).equals("v=" + expectedSignature)) throw denied("the server does not know the password itself");
        }
    }

    /// A server's side of one authentication.
    public static final class Server {
        private final Function<String, Optional<Stored>> users;
        private final SecureRandom random;
        private @Nullable Stored stored;
        private String user = "";
        private String nonce = "";
        private String soFar = "";

        /// @param users what is stored of a user, empty for one that is not known
        public Server(Function<String, Optional<Stored>> users, SecureRandom random) {
            this.users = users;
            this.random = random;
        }

        /// The challenge for a client's first message. An unknown user gets one too.
        public byte[] challenge(byte[] clientFirst) {
            String text = text(clientFirst);
            if (!text.startsWith(NO_BINDING)) throw denied("channel binding is not supported");
            String bare = text.substring(NO_BINDING.length());
            Map<String, String> fields = fields(bare);
            user = fields.getOrDefault("n", "").replace("=2C", ",").replace("=3D", "=");
            nonce = fields.getOrDefault("r", "") + nonce(random);
            stored = users.apply(user).orElse(null);
            byte[] salt = stored == null ? Arrays.copyOf(sha256(bytes(user)), 16) : stored.salt();
            String challenge = "r=%s,s=%s,i=%d".formatted(nonce, base64(salt), stored == null ? ITERATIONS : stored.iterations());
            soFar = bare + "," + challenge;
            return bytes(challenge);
        }

        /// The server's own proof, where the client's is right. Throws [DeniedException] where it is not, whatever the reason.
        public byte[] finish(byte[] clientLast) {
            String text = text(clientLast);
            int proofAt = text.lastIndexOf(",p=");
            Map<String, String> fields = fields(text);
            Stored known = stored;
            if (known == null || proofAt < 0 || !nonce.equals(fields.get("r")) || !base64(bytes(NO_BINDING)).equals(fields.get("c"))) {
                throw denied("wrong name or password");
            }
            String authMessage = soFar + "," + text.substring(0, proofAt);
            byte[] proof;
            try {
                proof = Base64.getDecoder().decode(text.substring(proofAt + 3));
            } catch (IllegalArgumentException e) {
                throw denied("wrong name or password");
            }
            byte[] signature = hmac(known.storedKey(), authMessage);
            if (proof.length != signature.length || !MessageDigest.isEqual(sha256(xor(proof, signature)), known.storedKey())) {
                throw denied("wrong name or password");
            }
            return bytes("v=" + base64(hmac(known.serverKey(), authMessage)));
        }

        public String user() {
            return user;
        }
    }

    private static int iterations(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static Map<String, String> fields(String message) {
        Map<String, String> fields = new HashMap<>();
        for (String part : message.split(",")) {
            if (part.length() >= 2 && part.charAt(1) == '=') fields.put(part.substring(0, 1), part.substring(2));
        }
        return fields;
    }

    private static String nonce(SecureRandom random) {
        byte[] bytes = new byte[NONCE_BYTES];
        random.nextBytes(bytes);
        return base64(bytes);
    }

    private static byte[] salted(char[] password, byte[] salt, int iterations) {
        try {
            KeySpec spec = new PBEKeySpec(password, salt, iterations, 256);
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has PBKDF2", e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(bytes(text));
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has HmacSHA256", e);
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    private static byte[] xor(byte[] a, byte[] b) {
        byte[] result = new byte[a.length];
        for (int n = 0; n < result.length; n++) result[n] = (byte) (a[n] ^ b[n]);
        return result;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static LibvirtException denied(String detail) {
        return LibvirtException.of(ErrorCode.AUTH_FAILED, ErrorDomain.AUTH, detail);
    }
}
