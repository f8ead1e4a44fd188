package io.kahvem.daemon.domain;

import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.LibvirtException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Pictures of machines' screens. As with libvirt a machine has the screens that its description says it has.
public final class DomainScreens {
    /// What a picture is.
    public static final String MIME = "image/x-portable-pixmap";

    private DomainScreens() {}

    /// A picture of the machine's screen, in a new file.
    ///
    /// @param screen counted over all its video cards
    public static Path picture(Domain domain, int screen) {
        Domain.Running now = domain.requireRunning();
        int screens = now.live().devices("video").stream()
                .mapToInt(video -> Integer.parseInt(video.attributeAt("model", "heads").orElse("1"))).sum();
        if (screens == 0) throw Errors.invalid("no screens to take screenshot from");
        if (screen < 0 || screen >= screens) throw Errors.argument("no such screen");
        if (screen > 0) throw Errors.unsupported("this machine has one screen, whatever its description says");
        try {
            Path file = Files.createTempFile("kahvem-screen", ".ppm");
            try (Descriptor open = Descriptor.open(file.toString())) {
                domain.change("virDomainScreenshot", () -> now.process().shootScreen(open));
            } catch (LibvirtException | HostException e) {
                Files.delete(file);
                throw e;
            }
            return file;
        } catch (IOException e) {
            throw Errors.failed("cannot make a file for the picture: %s", e);
        }
    }
}
