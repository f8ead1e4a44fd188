/// XDR (RFC 4506): how a record of the protocol stands on the wire, derived from its components.
/// Called by the packets of [io.kahvem.libvirt.rpc], on any thread.
@NullMarked
package io.kahvem.libvirt.xdr;

import org.jspecify.annotations.NullMarked;
