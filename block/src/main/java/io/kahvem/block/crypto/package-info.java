/// Encrypted images: LUKS and the ciphers of sectors.
/// Called by formats that have them, on any thread.
package io.kahvem.block.crypto;
