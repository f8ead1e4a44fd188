package io.kahvem.cli.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.cli.ProcessEnd;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;
import picocli.CommandLine;

/// The verbs beside qemu-img's: the same arguments, the same words, the same exit status.
class ImageCommandTest {
    /// @param out standard output, with the directory's name left out
    private record Answer(int status, String out, String err) {}

    @TempDir
    private Path dir;

    @BeforeEach
    void qemu() {
        boolean there = Arrays.stream(System.getenv("PATH").split(":")).anyMatch(path -> Files.isExecutable(Path.of(path, "qemu-img")));
        assumeTrue(there, "qemu-img is not installed (Debian: apt-get install qemu-utils)");
    }

    private List<String> inDirectory(String line) {
        List<String> words = new ArrayList<>();
        for (String word : line.split(" ")) words.add(word.replaceAll("@", dir + "/"));
        return words;
    }

    private Answer kahvem(String line) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> words = inDirectory(line);
        CommandLine command = ImageCommand.commandLine(words, new ProcessEnd()).setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int status = command.execute(words.toArray(String[]::new));
        return new Answer(status, out.toString().replace(dir + "/", "@"), err.toString().replace(dir + "/", "@"));
    }

    private Answer plainly(String line) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        PlainImageCommand command = new PlainImageCommand(new PrintWriter(out), new PrintWriter(err));
        assertThat(command.takesPlainly(inDirectory(line))).as(line).isTrue();
        int status = command.call();
        return new Answer(status, out.toString().replace(dir + "/", "@"), err.toString().replace(dir + "/", "@"));
    }

    /// Without picocli it is the same: what is said, the status, and the image.
    @ParameterizedTest
    @ValueSource(strings = {
        "convert -f raw -O qcow2 @raw @x", "convert -c -O qcow2 -o cluster_size=4k -o compat=1.1 @raw @x",
        "convert -p -m 1 -W -O raw @a @x",
        "convert -q -p -S 64k -T none -t writeback @a @x", "convert -O qcow2 -B @a -F qcow2 @a @x", "convert -U -O qcow2 @a @raw @x",
        "convert -O qcow2 @absent @x", "convert @raw", "convert -O nothing @raw @x", "convert -m 99 @raw @x", "convert -S 100 @raw @x"
    })
    void convertIsTheSameWithoutPicocli(String line) throws IOException {
        content("raw", 3 << 20, 1);
        qemu("convert -O qcow2 @raw @a");
        Answer slow = kahvem(line);
        Answer plain = plainly(line.replace("@x", "@y"));
        assertThat(plain).isEqualTo(new Answer(slow.status, slow.out.replace("@x", "@y"), slow.err.replace("@x", "@y")));
        if (slow.status == 0) same("compare @x @y");
        assertThat(Files.exists(dir.resolve("y"))).isEqualTo(Files.exists(dir.resolve("x")));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "info @a", "convert --help", "convert -O=raw @a @x", "convert -f", "convert --salvage @a @x", "convert -cp @a @x", "convert @args"
    })
    void whatIsNotWrittenPlainlyIsLeftToPicocli(String line) {
        PrintWriter nobody = new PrintWriter(new StringWriter());
        assertThat(new PlainImageCommand(nobody, nobody).takesPlainly(List.of(line.split(" ")))).isFalse();
    }

    private Answer qemu(String line) {
        try {
            List<String> words = new ArrayList<>(List.of("qemu-img"));
            words.addAll(inDirectory(line));
            Process process = new ProcessBuilder(words).start();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Answer(process.waitFor(), out.replace(dir + "/", "@"), err.replace(dir + "/", "@"));
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void same(String line) {
        assertThat(kahvem(line)).as(line).isEqualTo(qemu(line));
    }

    private void ok(String line) {
        Answer answer = kahvem(line);
        assertThat(answer.status).as("%s: %s%s", line, answer.out, answer.err).isZero();
    }

    private void content(String name, int bytes, int seed) throws IOException {
        byte[] content = new byte[bytes];
        Random random = new Random(seed);
        for (int n = 0; n < bytes; n += 65_536) {
            if (random.nextBoolean()) Arrays.fill(content, n, Math.min(bytes, n + 65_536), (byte) (1 + random.nextInt(100)));
        }
        Files.write(dir.resolve(name), content);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "create -f qcow2 @x 64M",
        "create -f qcow2 -o cluster_size=4k,compat=0.10 @x 10M",
        "create -f qcow2 -o refcount_bits=1,lazy_refcounts=on,extended_l2=on,compression_type=zstd @x 1G",
        "create -f qcow2 -b base.qcow2 -F qcow2 @x",
        "create -f qcow2 -b base.qcow2 -F qcow2 @x 5M",
        "create -q -f qcow2 @x 64M",
        "create @x 3M",
        "create -f qcow2 -o preallocation=metadata @x 3M"
    })
    void makesWhatQemuMakes(String line) throws IOException {
        qemu("create -q -f qcow2 @base.qcow2 32M");
        Answer theirs = qemu(line);
        Answer info = qemu("info @x");
        Files.delete(dir.resolve("x"));
        assertThat(kahvem(line)).isEqualTo(theirs);
        assertThat(qemu("info @x").out.replaceAll("disk size.*", "")).isEqualTo(info.out.replaceAll("disk size.*", ""));
        if (line.contains("qcow2")) assertThat(qemu("check @x").status).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "info @a.qcow2", "info --backing-chain @b.qcow2", "info @raw", "info -f raw @b.qcow2", "info @v2.qcow2",
        "check @a.qcow2", "check @b.qcow2", "check -q @b.qcow2", "snapshot -l @snap.qcow2", "info @snap.qcow2",
        "compare @a.qcow2 @a2.qcow2", "compare -q @a.qcow2 @b.qcow2", "compare @a.qcow2 @raw", "compare @a.qcow2 @b.qcow2",
        "map --output=json @a.qcow2", "map --output=json @b.qcow2", "map @a.qcow2", "map -s 65536 -l 300000 @b.qcow2",
        "measure -O qcow2 --size 1G", "measure -O qcow2 @b.qcow2", "measure -O qcow2 -o cluster_size=4k,refcount_bits=1 @raw",
        "measure -O raw --output=json @a.qcow2", "info @bitmaps.qcow2"
    })
    void saysWhatQemuSays(String line) throws IOException {
        content("raw", 1_000_000, 1);
        qemu("convert -O qcow2 @raw @a.qcow2");
        qemu("convert -O qcow2 -o cluster_size=4k @raw @a2.qcow2");
        qemu("create -q -f qcow2 -b a.qcow2 -F qcow2 @b.qcow2");
        new ProcessBuilder("qemu-io", "-f", "qcow2", "-c", "write 128k 64k", "-c", "write -z 320k 64k", dir.resolve("b.qcow2").toString())
                .start().getInputStream().readAllBytes();
        qemu("create -q -f qcow2 -o compat=0.10,cluster_size=512 @v2.qcow2 3M");
        qemu("convert -O qcow2 @raw @snap.qcow2");
        qemu("snapshot -c first @snap.qcow2");
        qemu("create -q -f qcow2 @bitmaps.qcow2 3M");
        qemu("bitmap --add -g 8k @bitmaps.qcow2 one");
        qemu("bitmap --add --disable @bitmaps.qcow2 two");
        same(line);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "create -f qcow2 -b base.qcow2 @x 5M", "create -f nothing @x 1M", "create -f qcow2 -o foo=1 @x 1M", "create -f qcow2 @x",
        "create -f qcow2 -b none -F raw @x", "create -f qcow2 -o cluster_size=100 @x 1M",
                "create -f qcow2 -o compat=0.10,lazy_refcounts=on @x 1M",
        "create -f qcow2 -o refcount_bits=3 @x 1M", "create -f qcow2 -o extended_l2=on,cluster_size=4k @x 1M",
        "check @raw", "resize @base.qcow2 1M", "snapshot -d none @base.qcow2", "commit @base.qcow2", "convert -c -O raw @base.qcow2 @x"
    })
    void failsAsQemuDoes(String line) throws IOException {
        content("raw", 100_000, 1);
        qemu("create -q -f qcow2 @base.qcow2 32M");
        Answer theirs = qemu(line);
        Answer ours = kahvem(line);
        assertThat(ours.status).isEqualTo(theirs.status).isNotZero();
        assertThat(ours.err.strip()).isEqualTo(theirs.err.replace("qemu-img: ", "kahvem image: ").strip());
        assertThat(ours.out.strip()).isEqualTo(theirs.out.strip());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "convert -O qcow2 @raw @x", "convert -c -O qcow2 @raw @x", "convert -c -O qcow2 -o compression_type=zstd @raw @x",
        "convert -O qcow2 -o extended_l2=on @raw @x", "convert -O raw @a.qcow2 @x", "convert -S 0 -O raw @a.qcow2 @x",
        "convert -O qcow2 -o preallocation=metadata @raw @x", "convert -O qcow2 -o cluster_size=512 @raw @x", "convert -m 1 @raw @x"
    })
    void convertsToTheSameContent(String line) throws IOException {
        content("raw", 5_000_192, 7);
        qemu("convert -O qcow2 @raw @a.qcow2");
        ok(line);
        Answer compared = qemu("compare @raw @x");
        assertThat(compared.status).as(compared.out).isZero();
        if (line.contains("-O qcow2")) assertThat(qemu("check @x").status).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "create -f vpc @x 10M", "create -f vpc -o subformat=fixed @x 10M", "create -f vpc -o force_size=on @x 11M",
        "create -f vhdx @x 10M", "create -f vhdx -o subformat=fixed,block_size=2M @x 10M", "create -f vmdk @x 10M",
        "create -f vmdk -o subformat=streamOptimized @x 5G", "create -f vmdk -o subformat=twoGbMaxExtentSparse @x 5G",
        "create -f vmdk -o subformat=monolithicFlat,adapter_type=lsilogic @x 100M", "create -f vmdk -o zeroed_grain=on @x 100M"
    })
    void makesForeignImagesAsQemuDoes(String line) {
        Answer theirs = qemu(line);
        String format = line.split(" ")[2];
        String info = sameButSizes(qemu("info -f %s @x".formatted(format)).out);
        String check = qemu("check -f %s @x".formatted(format)).toString();
        assertThat(kahvem(line)).isEqualTo(theirs);
        assertThat(sameButSizes(qemu("info -f %s @x".formatted(format)).out)).isEqualTo(info);
        assertThat(sameButSizes(kahvem("info -f %s @x".formatted(format)).out)).isEqualTo(info);
        assertThat(qemu("check -f %s @x".formatted(format))).hasToString(check);
        same("info --output=json -f %s @x".formatted(format));
        assertThat(kahvem("check -f %s @x".formatted(format))).hasToString(check.replace("qemu-img:", "kahvem image:"));
        if (!format.equals("vhdx")) same("map --output=json -f %s @x".formatted(format));
    }

    private static String sameButSizes(String info) {
        return info.replaceAll("disk size: .*", "").replaceAll(" cid: .*", "");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "vpc -o force_size=on", "vhdx", "vmdk", "vmdk -o subformat=streamOptimized", "vmdk -o subformat=twoGbMaxExtentFlat"
    })
    void convertsForeignFormats(String options) throws IOException {
        content("raw", 3_000_320, 9);
        String format = options.split(" ")[0];
        ok("convert -O %s @raw @x".formatted(options));
        assertThat(qemu("compare -f raw -F %s @raw @x".formatted(format)).status).isZero();
        ok("convert -f %s -O qcow2 @x @back.qcow2".formatted(format));
        assertThat(qemu("compare -f raw @raw @back.qcow2").status).isZero();
        same("info -f %s @x".formatted(format));
        assertThat(kahvem("resize -f %s @x 20M".formatted(format)).err)
                .isEqualTo("kahvem image: Image format driver does not support resize\n");
    }

    @Test
    void servesAnImageUntilItsLastClientHasLeft() throws Exception {
        content("raw", 1 << 20, 3);
        qemu("convert -O qcow2 @raw @x.qcow2");
        CompletableFuture<Answer> served = CompletableFuture.supplyAsync(() -> kahvem("serve -k @sock -x disk --pid-file @pid @x.qcow2"));
        while (!Files.exists(dir.resolve("pid"))) assertThat(served.isDone()).isFalse();
        ok("convert -f raw -O raw nbd+unix:///disk?socket=@sock @out");
        assertThat(served.get().status).isZero();
        assertThat(served.get().err).isEqualTo("kahvem image: '@x.qcow2' is served at nbd+unix:///disk?socket=@sock\n");
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(Files.readAllBytes(dir.resolve("raw")));
        assertThat(qemu("check @x.qcow2").status).isZero();
        Answer open = kahvem("serve --bind 0.0.0.0 @x.qcow2");
        assertThat(open.status).isEqualTo(1);
        assertThat(open.err).contains("only loopback addresses are served");
    }

    @Test
    void listsWhatAServerHasAsQemuNbdDoes() throws Exception {
        qemu("create -f qcow2 @x.qcow2 16M");
        Process server = new ProcessBuilder(inDirectory("qemu-nbd -t -A -x d -D thedisk -k @sock -f qcow2 @x.qcow2")).start();
        try {
            while (!Files.exists(dir.resolve("sock"))) assertThat(server.isAlive()).isTrue();
            Process theirs = new ProcessBuilder(inDirectory("qemu-nbd -L -k @sock")).start();
            String listed = new String(theirs.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(listed).contains("description: thedisk");
            assertThat(kahvem("serve -L -k @sock")).isEqualTo(new Answer(0, listed, ""));
        } finally {
            server.destroy();
        }
        Answer nobody = kahvem("serve --list -k @none");
        assertThat(nobody.status).isEqualTo(1);
        assertThat(nobody.err).startsWith("kahvem image: Failed to connect to '@none'");
        assertThat(kahvem("serve -L -k @sock @x.qcow2").err).contains("List mode is incompatible with a file name");
        assertThat(kahvem("serve -k @sock").err).contains("No image is given");
    }

    @Test
    void servesAndReadsByTls() throws Exception {
        content("raw", 1 << 20, 3);
        Process openssl;
        try {
            openssl = new ProcessBuilder(inDirectory("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
                    + " -addext subjectAltName=DNS:localhost -keyout @server-key.pem -out @ca-cert.pem")).redirectErrorStream(true).start();
        } catch (IOException absent) {
            System.out.println("skipped: no openssl here to make certificates");
            throw new TestAbortedException("no openssl", absent);
        }
        String said = new String(openssl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(openssl.waitFor()).as(said).isZero();
        for (String copy : List.of("server-cert.pem", "client-cert.pem")) Files.copy(dir.resolve("ca-cert.pem"), dir.resolve(copy));
        Files.copy(dir.resolve("server-key.pem"), dir.resolve("client-key.pem"));
        String server = "serve -k @sock -x d -f raw --pid-file @pid --tls-creds s --object tls-creds-x509,id=s,dir=%s,endpoint=server @raw"
                .formatted(dir);
        CompletableFuture<Answer> served = CompletableFuture.supplyAsync(() -> kahvem(server));
        while (!Files.exists(dir.resolve("pid"))) assertThat(served.isDone()).isFalse();
        String object = "--object tls-creds-x509,id=c,dir=%s,endpoint=client".formatted(dir);
        assertThat(kahvem("serve -L -k @sock --tls-creds c " + object).out).contains("exports available: 1", "export: 'd'");
        assertThat(kahvem("info nbd+unix:///d?socket=@sock").err).contains("Server requires TLS");
        assertThat(kahvem("serve -L -k @sock --tls-creds x " + object).err).contains("No TLS credentials with id 'x'");
        assertThat(kahvem("serve -k @sock2 --tls-creds c " + object + " @raw").err).contains("with a server endpoint");
        String options = "driver=nbd,path=%s,export=d,tls-creds=c,tls-hostname=localhost".formatted(dir.resolve("sock"));
        ok("convert -O raw %s --image-opts %s @out".formatted(object, options));
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(Files.readAllBytes(dir.resolve("raw")));
        assertThat(served.get().status).isZero();
        assertThat(served.get().err).contains("is served at nbds+unix:///d?socket=@sock\n");
    }

    @Test
    void looksAtServedImagesAsQemuDoes() throws Exception {
        content("raw", 1 << 20, 3);
        qemu("convert -O qcow2 @raw @x.qcow2");
        String sock = dir.resolve("sock").toString();
        String image = dir.resolve("x.qcow2").toString();
        Process server = new ProcessBuilder("qemu-nbd", "-t", "-e", "5", "-x", "d", "-k", sock, "-f", "qcow2", image).start();
        try {
            while (!Files.exists(dir.resolve("sock"))) assertThat(server.isAlive()).isTrue();
            same("info nbd+unix:///d?socket=@sock");
            same("info --output=json nbd+unix:///d?socket=@sock");
            ok("info nbd:unix:@sock:exportname=d");
            same("map --output=json nbd+unix:///d?socket=@sock");
            same("map nbd+unix:///d?socket=@sock");
            same("compare -f raw -F raw nbd+unix:///d?socket=@sock @raw");
            ok("convert -n -f raw -O raw @raw nbd+unix:///d?socket=@sock");
        } finally {
            server.destroy();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "dd if=@raw of=@x", "dd -O qcow2 if=@raw of=@x bs=4k count=9", "dd if=@raw of=@x bs=10000 skip=3", "dd -f raw bs=1M if=@raw of=@x",
        "dd if=@raw of=@x bs=1M skip=9", "dd if=@raw", "dd if=@raw of=@x cow=1", "dd if=@raw of=@x bs=nothing"
    })
    void copiesPartsAsQemuDoes(String line) throws IOException {
        content("raw", 1_000_448, 7);
        Answer theirs = qemu(line);
        if (Files.exists(dir.resolve("x"))) Files.move(dir.resolve("x"), dir.resolve("theirs"));
        Answer ours = kahvem(line);
        assertThat(ours.status).isEqualTo(theirs.status);
        assertThat(ours.err).isEqualTo(theirs.err.replace("qemu-img: ", "kahvem image: "));
        if (!Files.exists(dir.resolve("theirs"))) return;
        assertThat(qemu("compare @x @theirs").status).isZero();
        assertThat(qemu("info @x").out.replaceAll("disk size.*", "")).isEqualTo(qemu("info @theirs").out
                .replace("theirs", "x").replaceAll("disk size.*", ""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bench -c 50 -d 4 @x", "bench -c 50 -d 4 -w -f raw --pattern 9 --flush-interval 10 -s 8k -S 16k @x"})
    void benches(String line) throws IOException {
        content("x", 1 << 20, 7);
        Answer theirs = qemu(line);
        Answer ours = kahvem(line);
        assertThat(ours.status).as(ours.err).isEqualTo(theirs.status).isZero();
        assertThat(ours.out.replaceAll("[0-9.]+ seconds", "")).isEqualTo(theirs.out.replaceAll("[0-9.]+ seconds", ""));
        if (line.contains("-w")) assertThat(Files.readAllBytes(dir.resolve("x"))[16_384]).isEqualTo((byte) 9);
    }

    @Test
    void copiesByTheHostAtARateAndWithoutWhatCannotBeRead() throws IOException {
        content("raw", 3 << 20, 7);
        qemu("convert -O qcow2 @raw @x.qcow2");
        ok("convert -C -O raw @x.qcow2 @out");
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(Files.readAllBytes(dir.resolve("raw")));
        ok("convert -r 1G -O raw @x.qcow2 @out");
        assertThat(kahvem("convert -C -S 4k -O raw @x.qcow2 @out").err)
                .isEqualTo(qemu("convert -C -S 4k -O raw @x.qcow2 @out").err.replace("qemu-img: ", "kahvem image: "));
        qemu("convert -c -O qcow2 @raw @packed.qcow2");
        byte[] packed = Files.readAllBytes(dir.resolve("packed.qcow2"));
        int at = 5 << 16; // behind header, counts and tables: where the first compressed clusters are
        Arrays.fill(packed, at, at + 30, (byte) 0xff);
        Files.write(dir.resolve("packed.qcow2"), packed);
        assertThat(kahvem("convert -O raw @packed.qcow2 @out").status).isEqualTo(1);
        Answer salvaged = kahvem("convert --salvage -O raw @packed.qcow2 @out");
        assertThat(salvaged.status).isZero();
        assertThat(salvaged.err).contains("warning: error while reading offset ");
        byte[] out = Files.readAllBytes(dir.resolve("out"));
        byte[] raw = Files.readAllBytes(dir.resolve("raw"));
        for (int n = 0; n < raw.length; n++) if (out[n] != raw[n]) assertThat(out[n]).isZero();
    }

    @Test
    void joinsImagesAndTakesSnapshots() throws IOException {
        content("one", 1 << 20, 3);
        content("two", 1 << 20, 4);
        ok("convert -O qcow2 @one @two @both.qcow2");
        byte[] both = Arrays.copyOf(Files.readAllBytes(dir.resolve("one")), 2 << 20);
        System.arraycopy(Files.readAllBytes(dir.resolve("two")), 0, both, 1 << 20, 1 << 20);
        Files.write(dir.resolve("expected"), both);
        assertThat(qemu("compare @both.qcow2 @expected").status).isZero();
        ok("snapshot -c before @both.qcow2");
        ok("resize @both.qcow2 +1M");
        ok("convert -l before -O raw @both.qcow2 @out");
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(both);
        ok("snapshot -a before @both.qcow2");
        ok("snapshot -d before @both.qcow2");
        assertThat(qemu("check @both.qcow2").status).isZero();
        assertThat(qemu("compare @expected @out").status).isZero();
    }

    @Test
    void commitsAndRebases() throws IOException {
        content("raw", 1 << 20, 5);
        qemu("convert -O qcow2 @raw @base.qcow2");
        content("raw2", 1 << 20, 6);
        qemu("convert -O qcow2 @raw2 @other.qcow2");
        ok("create -f qcow2 -b base.qcow2 -F qcow2 @top.qcow2");
        qemu("bench -w -f qcow2 -c 5 -s 40960 -S 90000 @top.qcow2");
        qemu("convert -O raw @top.qcow2 @expected");
        ok("rebase -b other.qcow2 -F qcow2 @top.qcow2");
        assertThat(qemu("compare @top.qcow2 @expected").status).isZero();
        assertThat(qemu("info @top.qcow2").out).contains("backing file: other.qcow2");
        ok("commit @top.qcow2");
        assertThat(qemu("compare @other.qcow2 @expected").status).isZero();
        assertThat(qemu("check @top.qcow2").status).isZero();
        assertThat(qemu("check @other.qcow2").status).isZero();
        ok("rebase -b  @top.qcow2".replace("-b  ", "-b= "));
        assertThat(qemu("compare @top.qcow2 @expected").status).isZero();
        assertThat(qemu("info @top.qcow2").out).doesNotContain("backing file");
    }

    @Test
    void repairsLostClustersAndWrongCounts() throws IOException {
        content("raw", 1 << 20, 5);
        qemu("convert -O qcow2 @raw @x");
        byte[] image = Files.readAllBytes(dir.resolve("x"));
        int block = 2 << 16; // qemu-img puts the first block of counts there
        image[block + 2 * 6 + 1] = 0; // a data cluster that is counted as free
        image[block + 2 * 7 + 1] = 3; // one that is counted too often
        Files.write(dir.resolve("x"), image);
        assertThat(kahvem("check @x").status).isEqualTo(qemu("check @x").status).isEqualTo(2);
        ok("check -r all @x");
        assertThat(qemu("check @x").status).isZero();
        assertThat(qemu("compare @raw @x").status).isZero();
    }

    @Test
    void readsLuksEncryptedImages() throws IOException {
        content("raw", 1 << 20, 8);
        String luks = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
        Answer made;
        do { // qemu-img measures its own processor time, and gives up where the clock has not moved
            made = qemu("convert --object secret,id=s,data=hush -O qcow2 -o %s @raw @x".formatted(luks));
        } while (made.err.contains("Unable to get accurate CPU usage"));
        assertThat(made.status).as(made.err).isZero();
        ok("convert --object secret,id=s,data=hush -f qcow2 -O raw @x @out");
        assertThat(Files.readAllBytes(dir.resolve("out"))).isEqualTo(Files.readAllBytes(dir.resolve("raw")));
        Answer wrong = kahvem("convert --object secret,id=s,data=loud -f qcow2 -O raw @x @out");
        assertThat(wrong.status).isEqualTo(1);
        assertThat(wrong.err).contains("Invalid password, cannot unlock any keyslot");
        assertThat(kahvem("convert -f qcow2 -O raw @x @out").err).contains("Parameter 'encrypt.key-secret' is required for cipher");
    }

    @Test
    void keepsBitmapsThatQemuReads() throws IOException {
        ok("create -f qcow2 @x 1M");
        ok("bitmap --add -g 4k @x b");
        assertThat(qemu("info @x").out).contains("name: b", "granularity: 4096");
        ok("bitmap --add --merge b @x c");
        ok("bitmap --disable @x b");
        assertThat(qemu("check @x").status).isZero();
        ok("bitmap --remove @x b");
        assertThat(qemu("info @x").out).contains("name: c").doesNotContain("name: b");
        assertThat(qemu("check @x").status).isZero();
    }
}
