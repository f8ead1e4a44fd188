package io.kahvem.jvm.translate;

/// For whom a region is emitted.
///
/// @param ordered other vCPUs see the accesses to memory in the order of the program
/// @param well HotSpot's second compiler is to be asked for the method, and not the first
/// @param leaves what is rare leaves to the interpreter: TLB misses and doubles that Java's arithmetic alone does not do. Else it is done
///     by calls, which cost HotSpot's second compiler its registers: what is alive across a call lies on the stack everywhere
/// @param windows accesses near each other share their look-ups ([Windows])
record Style(boolean ordered, boolean well, boolean leaves, boolean windows) {}
