package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.libvirt.Connect;
import org.libvirt.Domain;
import org.libvirt.DomainInfo;
import org.libvirt.LibvirtException;

/// The programs people have for libvirt, unmodified, on our daemon.
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@SuppressWarnings("NullAway.Init") // before each test
final class LibvirtClientsTest {
    private static final Path VIRT_INSTALL = Path.of("/usr/bin/virt-install");
    private static final Path PYTHON = Path.of("/usr/bin/python3");
    private static final Path VALIDATE = Path.of("/usr/bin/virt-xml-validate");
    private static final String DOMAIN = """
            <domain type='qemu'><name>%s</name><memory unit='MiB'>16</memory>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel></os><devices/></domain>
            """;

    @TempDir
    Path directory;

    private Guest daemon;
    private Path kernel;

    @BeforeEach
    void start() {
        kernel = new Payload().haltForEver().in(directory);
        daemon = Guest.start("daemon", "--socket", directory.resolve("sock"), "--state", directory.resolve("state"));
        daemon.awaitError("the daemon listens on");
    }

    @AfterEach
    void stop() throws IOException, InterruptedException {
        Path virsh = Path.of("/usr/bin/virsh");
        if (Files.isExecutable(virsh)) {
            for (String name : run(virsh, "-c", uri(), "list", "--name").lines().filter(line -> !line.isBlank()).toList()) {
                run(virsh, "-c", uri(), "destroy", name);
            }
        }
        daemon.close();
    }

    private String uri() {
        return "qemu:///system?socket=" + directory.resolve("sock");
    }

    /// Runs a program to its end, which must be good, and returns what it printed.
    private static String run(Path program, String... arguments) throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(program), "no %s here, which is to be tested".formatted(program));
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile());
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as("%s%n%s", command, said).isZero();
        return said;
    }

    private String virsh(String... arguments) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("-c", uri()));
        all.addAll(List.of(arguments));
        return run(Path.of("/usr/bin/virsh"), all.toArray(String[]::new)).strip();
    }

    private String virtInstall(String name, String... arguments) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("--connect", uri(), "--name", name, "--memory", "64", "--osinfo", "linux2020",
                "--graphics", "none", "--network", "none", "--noautoconsole", "--import"));
        all.addAll(List.of(arguments));
        return run(VIRT_INSTALL, all.toArray(String[]::new));
    }

    private void valid(String document, String schema) throws IOException, InterruptedException {
        if (!Files.isExecutable(VALIDATE) || !Files.isExecutable(Path.of("/usr/bin/xmllint"))) return;
        Path file = Files.writeString(directory.resolve("document.xml"), document);
        assertThat(run(VALIDATE, file.toString(), schema)).as(document).contains("validates");
    }

    @Test
    void virtInstallPrintsWhatItWouldDefine() throws IOException, InterruptedException {
        String printed = virtInstall("printed", "--disk", "none", "--boot", "kernel=" + kernel, "--print-xml");
        assertThat(printed).contains("<domain type=\"qemu\">", "<name>printed</name>", "<kernel>" + kernel + "</kernel>");
        assertThat(virsh("list", "--all", "--name")).isEmpty();
    }

    @Test
    void virtInstallStartsAndDefinesAMachineWithAKernel() throws IOException, InterruptedException {
        Path initrd = Files.write(directory.resolve("initrd"), new byte[4096]);
        String said = virtInstall("installed", "--disk", "none", "--boot",
                "kernel=%s,initrd=%s,kernel_args=console=ttyS0".formatted(kernel, initrd));
        assertThat(said).contains("Domain creation completed.");
        assertThat(virsh("domstate", "installed")).isEqualTo("running");
        assertThat(virsh("dominfo", "installed")).containsPattern("Persistent: +yes");
        valid(virsh("dumpxml", "installed"), "domain");
        valid(virsh("dumpxml", "installed", "--inactive"), "domain");
    }

    @Test
    void virtInstallMakesADiskAndVirtXmlAndVirtCloneChangeAndCopyTheMachine() throws IOException, InterruptedException {
        Path disk = directory.resolve("images/disk.qcow2");
        Files.createDirectories(disk.getParent());
        String said = virtInstall("disk", "--disk", "size=0.01,path=" + disk);
        assertThat(said).contains("Domain creation completed.");
        assertThat(virsh("domblklist", "disk")).contains(disk.toString());
        assertThat(virsh("pool-list", "--name")).isEqualTo("images");
        virsh("destroy", "disk");

        Path virtXml = VIRT_INSTALL.resolveSibling("virt-xml");
        assertThat(run(virtXml, "--connect", uri(), "disk", "--edit", "--memory", "80")).contains("defined successfully");
        run(virtXml, "--connect", uri(), "disk", "--add-device", "--disk", "path=%s,size=0.01,format=raw,bus=sata".formatted(
                directory.resolve("images/second.img")));
        assertThat(virsh("dumpxml", "disk")).contains("<memory unit='KiB'>81920</memory>", "second.img", "<target dev='sda' bus='sata'/>");
        run(virtXml, "--connect", uri(), "disk", "--remove-device", "--disk", "target=sda");
        assertThat(virsh("domblklist", "disk")).doesNotContain("second.img");

        Path copy = directory.resolve("images/copy.qcow2");
        run(VIRT_INSTALL.resolveSibling("virt-clone"), "--connect", uri(), "--original", "disk", "--name", "copy", "--file",
                copy.toString());
        assertThat(virsh("domblklist", "copy")).contains(copy.toString());
        assertThat(virsh("domuuid", "copy")).isNotEqualTo(virsh("domuuid", "disk"));
        virsh("start", "copy");
        assertThat(virsh("domstate", "copy")).isEqualTo("running");
        valid(virsh("dumpxml", "copy"), "domain");
    }

    @Test
    void whatTheDaemonTellsIsOfLibvirtsSchema() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(VALIDATE) && Files.isExecutable(Path.of("/usr/bin/xmllint")),
                "no virt-xml-validate or no xmllint here, which are to judge");
        valid(virsh("capabilities"), "capability");
        valid(virsh("domcapabilities"), "domaincaps");
        valid(virsh("pool-capabilities"), "storagepoolcaps");
        Path images = Files.createDirectories(directory.resolve("images"));
        virsh("pool-create-as", "images", "dir", "--target", images.toString());
        virsh("vol-create-as", "images", "a.qcow2", "1M", "--format", "qcow2");
        valid(virsh("pool-dumpxml", "images"), "storagepool");
        valid(virsh("vol-dumpxml", "a.qcow2", "--pool", "images"), "storagevol");
        for (String device : virsh("nodedev-list").lines().toList()) valid(virsh("nodedev-dumpxml", device), "nodedev");
    }

    @Test
    void pythonsBindingDefinesStartsHearsEventsAndTalksToTheConsole() throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(PYTHON), "no /usr/bin/python3 here");
        boolean there = new ProcessBuilder(PYTHON.toString(), "-c", "import libvirt").redirectErrorStream(true).start().waitFor() == 0;
        Assumptions.assumeTrue(there, "no python3-libvirt here: apt-get install python3-libvirt");
        TestGuests guests = TestGuests.orSkip();
        Path script = Guest.launcher().resolveSibling("guest-tests/clients/console.py");
        assertThat(run(PYTHON, script.toString(), uri(), guests.vmlinuz().toString(), guests.initrd().toString()))
                .contains("the guest adds 40 and 2: 42", "no such domain: 42 10", "all events came in order");
    }

    @Test
    void libvirtsOwnJavaBindingConnectsListsAndStarts() throws LibvirtException {
        Connect connect;
        try {
            connect = new Connect(uri());
        } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
            Assumptions.abort("libvirt's C library cannot be loaded here (apt-get install libvirt0): " + e.getMessage());
            return;
        }
        assertThat(connect.getType()).isEqualTo("QEMU");
        assertThat(connect.listDefinedDomains()).isEmpty();
        Domain domain = connect.domainDefineXML(DOMAIN.formatted("java", kernel));
        assertThat(connect.listDefinedDomains()).containsExactly("java");
        domain.create();
        assertThat(domain.getInfo().state).isEqualTo(DomainInfo.DomainState.VIR_DOMAIN_RUNNING);
        assertThat(connect.listDomains()).containsExactly(domain.getID());
        assertThat(connect.domainLookupByName("java").getUUIDString()).isEqualTo(domain.getUUIDString());
        domain.destroy();
        domain.undefine();
        assertThat(connect.numOfDefinedDomains()).isZero();
        domain.free();
        connect.close();
    }
}
