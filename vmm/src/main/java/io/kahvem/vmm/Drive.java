package io.kahvem.vmm;

import io.kahvem.block.Disk;
import java.util.Optional;

/// A disk of the machine, or a drive and what is in it.
///
/// @param removable whether the medium can be taken out
/// @param medium empty where nothing is in it
public record Drive(boolean removable, Optional<Disk> medium) {}
