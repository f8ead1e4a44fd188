package io.kahvem.hypervisor;

import io.kahvem.host.EventFd;
import java.util.OptionalLong;

/// Guest writes that signal an event counter, and event counters that interrupt the guest, without a vCPU's thread. Any thread; each
/// registration ends when it is closed, and the counters must outlive it.
public interface Doorbells {
    /// A registration; closing it twice does nothing.
    interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /// A write of `size` bytes to `port` signals `event` instead of reaching [VmIo]; where `value` is given, only a write of that value.
    Registration onPortWrite(int port, int size, OptionalLong value, EventFd event);

    /// The same for guest-physical memory without a slot.
    Registration onMmioWrite(long gpa, int size, OptionalLong value, EventFd event);

    /// Each signal of `event` sends this message, as [Vm#sendMsi] does. Throws HypervisorException where there are too many.
    Registration msiOn(EventFd event, long address, int data);
}
