/// libvirt's protocol, described once: tables of procedures and events, and the records they carry. Numbers, names and members are those of
/// remote_protocol.x and qemu_protocol.x of libvirt 9.0; [io.kahvem.libvirt.xdr.Codecs] derives the wire's form from the records.
/// Constants; used by the client and the daemon on any thread.
@NullMarked
package io.kahvem.libvirt.protocol;

import org.jspecify.annotations.NullMarked;
