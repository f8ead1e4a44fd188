package io.kahvem.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/// Who may open a device, and the command that lets a user in.
///
/// @param permissions as `ls -l` shows them: `rw-rw----`
public record DeviceAccess(String owner, String group, String permissions) {
    /// Empty where there is no such file, or no such thing as an owner.
    public static Optional<DeviceAccess> of(Path device) {
        try {
            PosixFileAttributes attributes = Files.readAttributes(device, PosixFileAttributes.class);
            String permissions = PosixFilePermissions.toString(attributes.permissions());
            return Optional.of(new DeviceAccess(attributes.owner().getName(), attributes.group().getName(), permissions));
        } catch (IOException | UnsupportedOperationException unknown) {
            return Optional.empty();
        }
    }

    /// The command that makes `device` the user's too, by group `preferred` where the device's own cannot be joined: membership of root's
    /// group is no way to share a device, and a group without permissions none to gain them.
    public static String remedy(String device, Optional<DeviceAccess> access, String preferred) {
        String group = access.map(DeviceAccess::group).orElse(preferred);
        boolean shared = access.map(of -> of.permissions.startsWith("rw", 3)).orElse(true) && !group.equals("root");
        String join = "sudo usermod -aG %s $USER   (then log in again)".formatted(shared ? group : preferred);
        if (shared) return join;
        return "sudo groupadd -f %1$s && sudo chgrp %1$s %2$s && sudo chmod 660 %2$s && ".formatted(preferred, device) + join;
    }

    @Override
    public String toString() {
        return permissions + " " + owner + ":" + group;
    }
}
