package io.kahvem.daemon.domain;

import io.kahvem.host.Descriptor;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// A machine that runs, as its domain drives it: a process of its own. Its methods throw [io.kahvem.libvirt.LibvirtException] where the
/// process refuses or does not answer. Safe from any thread.
public interface MachineProcess {
    long pid();

    /// When the process started, in clock ticks since the host's boot: with the pid it names one process for ever.
    long startTicks();

    /// The pseudo terminal behind the serial line, or none where it goes elsewhere.
    String terminal();

    boolean isAlive();

    /// Whether its vCPUs run now.
    boolean isRunning();

    void pause();

    void resume();

    void reset();

    void pressPowerButton();

    /// Whether a guest that switches itself off leaves the machine there, stopped, to be started over.
    void keepAtShutdown(boolean keep);

    boolean keepsAtShutdown();

    void injectNmi();

    /// Presses keys one after the other and lets them go in the opposite order.
    ///
    /// @param numbers what each makes in scan code set 1, plus 0x80 where 0xe0 precedes it
    /// @param holdMillis how long they are held; 0 for as long as usual
    void pressKeys(List<Integer> numbers, int holdMillis);

    /// Writes what is on its screen to `file`, as a portable pixmap.
    void shootScreen(Descriptor file);

    /// Ends it, at once if it does not end itself.
    void destroy();

    /// Asks the guest's balloon to leave it so much.
    void balloon(long kib);

    /// What the balloon leaves the guest, KiB; empty for a machine without one.
    OptionalLong balloonKib();

    /// How often the balloon asks its guest for statistics; 0 never.
    void balloonStatisticsPeriod(int seconds);

    /// Puts a medium into the drive of that alias, or takes out what is in it.
    void changeMedium(String alias, String file, String format);

    void ejectMedium(String alias);

    /// Limits how fast the disk of that alias may be used: libvirt's names of the six limits, a second's worth each; what is absent does
    /// not limit.
    void throttle(String alias, Map<String, Long> limits);

    /// Makes the disk of that alias so large, for the guest too.
    void resizeDisk(String alias, long bytes);

    /// Counters of each disk, by its alias.
    List<DiskStatistics> diskStatistics();

    /// The host's numbers of the threads that are its vCPUs.
    List<Long> vcpuThreads();

    /// A command of its control protocol, as JSON, and the answer; `human` for one of the monitor for people.
    ///
    /// @param descriptors pass with it, for add-fd
    String command(String command, boolean human, List<Descriptor> descriptors);

    /// Removes what the process left in the runtime directory, once it has ended.
    void tidy();

    /// Lets the process go on without us.
    void release();

    /// Counters of one disk since the machine's start; sizes in bytes, times in nanoseconds.
    record DiskStatistics(
            String alias, long readRequests, long readBytes, long readNanos, long writeRequests, long writeBytes, long writeNanos,
            long flushRequests, long flushNanos) {}
}
