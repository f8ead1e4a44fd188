/// The operating system: memory mappings, words at native addresses, files, terminals, time.
/// Called by every other module; nothing here knows of guests.
package io.kahvem.host;
