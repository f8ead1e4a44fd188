package io.kahvem.kvm;

import io.kahvem.host.EventFd;
import io.kahvem.hypervisor.Doorbells;
import io.kahvem.kvm.abi.Constants;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;

/// ioeventfds and irqfds.
final class KvmDoorbells implements Doorbells {
    private final KvmFile vm;
    private final KvmVm.Messages messages;

    KvmDoorbells(KvmFile vm, KvmVm.Messages messages) {
        this.vm = vm;
        this.messages = messages;
    }

    @Override
    public Registration onPortWrite(int port, int size, OptionalLong value, EventFd event) {
        return onWrite(port, size, value, event, Constants.KVM_IOEVENTFD_FLAG_PIO);
    }

    @Override
    public Registration onMmioWrite(long gpa, int size, OptionalLong value, EventFd event) {
        return onWrite(gpa, size, value, event, 0);
    }

    private Registration onWrite(long address, int size, OptionalLong value, EventFd event, int space) {
        int flags = space | (value.isPresent() ? Constants.KVM_IOEVENTFD_FLAG_DATAMATCH : 0);
        ioEventFd(address, size, value.orElse(0), event, flags);
        return once(() -> ioEventFd(address, size, value.orElse(0), event, flags | Constants.KVM_IOEVENTFD_FLAG_DEASSIGN));
    }

    private void ioEventFd(long address, int size, long value, EventFd event, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            Struct request = Struct.allocate(arena, Structs.IOEVENTFD);
            request.set("datamatch", value).set("addr", address).set("len", size);
            request.set("fd", event.descriptor().number()).set("flags", flags);
            vm.request(Request.KVM_IOEVENTFD, request.address(), "let a write to %#x signal an event".formatted(address));
        }
    }

    @Override
    public Registration msiOn(EventFd event, long address, int data) {
        int gsi = messages.addRoute(address, data);
        irqFd(event, gsi, 0);
        return once(() -> {
            irqFd(event, gsi, Constants.KVM_IRQFD_FLAG_DEASSIGN);
            messages.removeRoute(gsi);
        });
    }

    private void irqFd(EventFd event, int gsi, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            Struct request = Struct.allocate(arena, Structs.IRQFD);
            request.set("fd", event.descriptor().number()).set("gsi", gsi).set("flags", flags);
            vm.request(Request.KVM_IRQFD, request.address(), "let an event interrupt the guest");
        }
    }

    private static Registration once(Runnable end) {
        AtomicBoolean ended = new AtomicBoolean();
        return () -> {
            if (ended.compareAndSet(false, true)) end.run();
        };
    }
}
