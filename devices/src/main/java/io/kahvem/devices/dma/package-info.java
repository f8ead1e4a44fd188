/// Guest memory as devices that move data by themselves are given it: lists of buffers.
/// Used by one request, on one thread at a time.
package io.kahvem.devices.dma;
