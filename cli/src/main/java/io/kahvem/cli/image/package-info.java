/// `kahvem image`: qemu-img's verbs, options, output and exit statuses.
/// Called by picocli, on the main thread.
package io.kahvem.cli.image;
