package io.kahvem.host;

/// Which of this package's implementations this host gets.
final class Platform {
    private Platform() {}

    /// Whether this is a system whose numbers and layouts [Libc]'s callers know: Linux, on an architecture that uses the generic
    /// values of the kernel's asm-generic/mman-common.h and asm-generic/termbits.h.
    static boolean hasLinuxCalls() {
        return System.getProperty("os.name").equals("Linux")
                && switch (System.getProperty("os.arch")) {
                    case "amd64", "aarch64", "riscv64" -> true;
                    default -> false;
                };
    }
}
