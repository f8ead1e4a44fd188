package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceAccessTest {
    @TempDir
    private Path directory;

    private static String remedy(String group, String permissions) {
        return DeviceAccess.remedy("/dev/kvm", Optional.of(new DeviceAccess("root", group, permissions)), "kvm");
    }

    @Test
    void aGroupThatMayUseTheDeviceIsJoined() {
        assertThat(remedy("virt", "rw-rw----")).isEqualTo("sudo usermod -aG virt $USER   (then log in again)");
    }

    @Test
    void aDeviceLeftToRootOrClosedToItsGroupIsSharedFirst() {
        String shared = "sudo groupadd -f kvm && sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm"
                + " && sudo usermod -aG kvm $USER   (then log in again)";
        assertThat(remedy("root", "rw-rw----")).isEqualTo(shared);
        assertThat(remedy("virt", "rw-r-----")).isEqualTo(shared);
    }

    @Test
    void whereNothingIsKnownTheUsualGroupIsJoined() {
        assertThat(DeviceAccess.of(directory.resolve("absent"))).isEmpty();
        assertThat(DeviceAccess.remedy("/dev/kvm", Optional.empty(), "kvm")).startsWith("sudo usermod -aG kvm $USER");
    }

    @Test
    void isShownAsLsDoes() throws IOException {
        Path file = Files.createFile(directory.resolve("device"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        DeviceAccess access = DeviceAccess.of(file).orElseThrow();
        assertThat(access).hasToString("rw-r----- " + access.owner() + ":" + access.group());
    }
}
