#!/usr/bin/env python3
"""console.py URI KERNEL INITRD: what a program in Python does with libvirt's binding: defines a machine, starts it, hears its events and
talks to its console. The guest is make-guests' shell. Ends with 0 where all was as libvirt promises."""
import libvirt, sys, threading

uri, kernel, initrd = sys.argv[1:4]
libvirt.virEventRegisterDefaultImpl()


def events():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=events, daemon=True).start()
conn = libvirt.open(uri)
conn.setKeepAlive(5, 5)
seen, happened = [], threading.Condition()


def lifecycle(conn, domain, event, detail, opaque):
    with happened:
        seen.append((domain.name(), event, detail))
        happened.notify_all()


conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, None)
domain = conn.defineXML(f'''<domain type='qemu'><name>py</name><memory unit='MiB'>256</memory>
<os><type machine='q35'>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0 quiet</cmdline></os>
<features><acpi/></features><devices><serial type='pty'/></devices></domain>''')
domain.create()
assert domain.isActive() == 1 and domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING

stream = conn.newStream(0)
domain.openConsole(None, stream, 0)


def until(text):
    received = b''
    while text not in received:
        piece = stream.recv(4096)
        assert piece, 'the console ended: ' + repr(received)
        received += piece


until(b'guest# ')
stream.send(b'echo sum $((40+2))\n')
until(b'sum 42')
print('the guest adds 40 and 2: 42')
stream.abort()

try:
    conn.lookupByName('nobody')
    sys.exit('a domain that is not there was found')
except libvirt.libvirtError as e:
    print('no such domain:', e.get_error_code(), e.get_error_domain())

domain.destroy()
domain.undefine()
want = [('py', 0, 0), ('py', 2, 0), ('py', 4, 0), ('py', 5, 1), ('py', 1, 0)]
with happened:
    happened.wait_for(lambda: len(seen) >= len(want), 20)
if seen != want:
    sys.exit('events: %s' % seen)
print('all events came in order')
conn.close()
