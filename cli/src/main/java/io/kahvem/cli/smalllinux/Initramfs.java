package io.kahvem.cli.smalllinux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The small Linux's root file system: busybox, and the few files that make busybox' own init bring up a shell on ttyS0.
final class Initramfs {
    /// Modules that make ACPI's power button reach user space; kernels that have them built in ship no such files. Order of loading.
    static final List<String> MODULES = List.of("evdev", "button");

    /// A leading `-` makes init start a login shell and give it the terminal, so that Ctrl-C reaches what runs there.
    private static final String INITTAB = """
            ::sysinit:/etc/init.d/rcS
            ttyS0::respawn:-/bin/sh
            ::ctrlaltdel:/sbin/reboot
            ::restart:/sbin/init
            """;

    private static final String RCS = """
            #!/bin/sh
            [ -e /bin/mount ] || /bin/busybox --install -s /bin
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs devtmpfs /dev 2>/dev/null
            mkdir -p /dev/pts /dev/shm
            mount -t devpts devpts /dev/pts
            mount -t tmpfs tmpfs /run
            hostname -F /etc/hostname
            ifconfig lo 127.0.0.1
            for module in evdev button; do
                if [ -e /lib/modules/$module.ko ]; then
                    insmod /lib/modules/$module.ko
                elif [ -e /lib/modules/$module.ko.xz ]; then
                    xzcat /lib/modules/$module.ko.xz > /run/$module.ko && insmod /run/$module.ko
                    rm -f /run/$module.ko
                fi
            done
            for event in /dev/input/event*; do
                [ -e $event ] && acpid -l /dev/null && break
            done
            read -r _ _ release _ < /proc/version
            echo
            echo "Linux $release with busybox, on Kahvem. poweroff ends the machine; Ctrl-] leaves it."
            """;

    private static final String PROFILE = """
            export HOME=/root USER=root PATH=/bin:/sbin:/usr/bin:/usr/sbin
            export PS1='kahvem:\\w# '
            cd
            """;

    private static final Map<String, String> PLAIN_FILES = Map.of(
            "etc/inittab", INITTAB,
            "etc/profile", PROFILE,
            "etc/hostname", "kahvem\n",
            "etc/hosts", "127.0.0.1 localhost kahvem\n",
            "etc/passwd", "root::0:0:root:/root:/bin/sh\n",
            "etc/group", "root:x:0:\n");

    /// acpid's default action for the power button.
    private static final String POWER_BUTTON = "#!/bin/sh\nexec poweroff\n";

    private static final List<String> DIRECTORIES = List.of(
            "bin", "usr", "etc", "etc/init.d", "etc/acpi", "etc/acpi/PWRF", "lib", "lib/modules", "dev", "proc", "sys", "run", "tmp",
            "root", "var", "var/log");

    private static final Map<String, String> LINKS = Map.of(
            "sbin", "bin", "usr/bin", "../bin", "usr/sbin", "../bin", "var/run", "../run", "init", "bin/busybox");

    private Initramfs() {}

    /// All that decides the content besides the packages; a cache made from another text is not used.
    static String recipe() {
        return String.join("\0", RCS, POWER_BUTTON, String.join(" ", MODULES), String.join(" ", DIRECTORIES),
                sorted(PLAIN_FILES).toString(), sorted(LINKS).toString());
    }

    /// The archive, not compressed: a guest spends more on unpacking than on the bytes. `modules` are file names with their content.
    static byte[] build(byte[] busybox, Map<String, byte[]> modules) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(busybox.length + (1 << 20));
        try (CpioWriter cpio = new CpioWriter(bytes)) {
            for (String directory : DIRECTORIES) cpio.directory(directory);
            for (var link : sorted(LINKS).entrySet()) cpio.link(link.getKey(), link.getValue());
            for (var file : sorted(PLAIN_FILES).entrySet()) cpio.file(file.getKey(), 0644, file.getValue());
            cpio.file("etc/init.d/rcS", 0755, RCS);
            cpio.file("etc/acpi/PWRF/00000080", 0755, POWER_BUTTON);
            // Before devtmpfs is mounted: init's own console, and where its output goes.
            cpio.characterDevice("dev/console", 0600, 5, 1);
            cpio.characterDevice("dev/null", 0666, 1, 3);
            for (var module : sorted(modules).entrySet()) cpio.file("lib/modules/" + module.getKey(), 0644, module.getValue());
            cpio.file("bin/busybox", 0755, busybox);
            for (String applet : applets(busybox)) cpio.link("bin/" + applet, "busybox");
        }
        return bytes.toByteArray();
    }

    /// The applets in a busybox executable, read from its name table (sorted, NUL after each, an empty name at the end) rather than by
    /// running it, so that a host of another architecture can build too. Empty where there is no such table: rcS then asks busybox.
    static List<String> applets(byte[] busybox) {
        byte[] start = "\0[\0[[\0".getBytes(StandardCharsets.US_ASCII);
        int at = indexOf(busybox, start);
        List<String> names = new ArrayList<>();
        for (int from = at + 1, to = from; at >= 0 && to < busybox.length; to++) {
            if (busybox[to] != 0) continue;
            if (to == from) break;
            names.add(new String(busybox, from, to - from, StandardCharsets.US_ASCII));
            from = to + 1;
        }
        names.remove("busybox");
        // A hit that is not the table would end soon or hold what no command is called.
        boolean plausible = names.contains("sh") && names.stream().allMatch(n -> n.matches("[\\[a-z0-9_.-]+"));
        return plausible ? names : List.of();
    }

    /// By name, so that the same packages give the same archive.
    private static <V> SortedMap<String, V> sorted(Map<String, V> files) {
        return new TreeMap<>(files);
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int at = 0; at + wanted.length <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) return at;
        }
        return -1;
    }
}
