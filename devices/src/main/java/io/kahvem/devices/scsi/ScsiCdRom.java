package io.kahvem.devices.scsi;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockRequest.Operation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A CD-ROM or DVD-ROM drive (MMC-5) with a tray, a lock, and at most one disc of one data track.
///
/// Lock: this object's monitor for tray, lock and disc; the listener is called outside of it.
public final class ScsiCdRom extends ScsiUnit {
    static final int TYPE = 5;

    private static final int BLOCK = 2048;
    private static final int PROFILE_CD_ROM = 0x08;
    private static final int PROFILE_DVD_ROM = 0x10;

    /// A longer disc is a DVD: 80 minutes.
    private static final int CD_BLOCKS = 80 * 60 * 75;

    private static final int LEAD_OUT = 0xaa;
    private static final int MSF = 2;
    private static final int CAPABILITIES = 0x2a;
    private static final int RECOVERY = 0x01;
    private static final int[] MODE_PAGES = {RECOVERY, CAPABILITIES};
    private static final int EVENT_MEDIA = 4;
    private static final int MEDIA_NONE = 0;
    private static final int MEDIA_EJECT_REQUEST = 1;
    private static final int MEDIA_NEW = 2;
    private static final int MEDIA_REMOVED = 3;

    private final Consumer<Boolean> trayMoved;
    private @Nullable BlockBackend disc;
    private boolean trayOpen;
    private boolean locked;
    private int event = MEDIA_NONE;

    /// @param trayMoved hears, on a vCPU's thread, when the guest opens (true) or closes the tray
    public ScsiCdRom(@Nullable BlockBackend disc, String serial, Consumer<Boolean> trayMoved) {
        super(TYPE, BLOCK, "CD-ROM", serial);
        this.disc = disc;
        this.trayMoved = trayMoved;
    }

    public synchronized boolean isTrayOpen() {
        return trayOpen;
    }

    /// Whether the guest keeps the tray shut.
    public synchronized boolean isLocked() {
        return locked;
    }

    /// Asks the guest to let the disc go, as the drive's button does while the tray is locked.
    public synchronized void requestEject() {
        event = MEDIA_EJECT_REQUEST;
    }

    /// Puts in another disc, or takes out the one there is (null): tray opened and shut by hand. Gives the disc that was in it, on which
    /// nothing is under way any more.
    public @Nullable BlockBackend change(@Nullable BlockBackend to) {
        BlockBackend old;
        synchronized (this) {
            old = disc;
            disc = to;
            trayOpen = to == null;
            event = to == null ? MEDIA_REMOVED : MEDIA_NEW;
        }
        if (to != null) attend(Sense.MEDIUM_CHANGED);
        if (old != null) old.drain();
        return old;
    }

    @Override
    public void reset() {
        super.reset();
        synchronized (this) {
            locked = false;
        }
    }

    @Override
    synchronized @Nullable BlockBackend medium() {
        return trayOpen ? null : disc;
    }

    @Override
    void perform(ScsiTask task, int op) {
        switch (op) {
            case TEST_UNIT_READY -> whereDisc(task, 0);
            case MODE_SENSE_6 -> modeSense(task, false);
            case MODE_SENSE_10 -> modeSense(task, true);
            case MODE_SELECT_6, MODE_SELECT_10, SYNCHRONIZE_CACHE_10 -> task.succeed(0);
            case READ_CAPACITY_10 -> readCapacity10(task);
            case READ_6 -> transfer(task, Operation.READ, task.cdb32(0) & 0x1f_ffff, task.cdb8(4), false);
            case READ_10 -> transfer(task, Operation.READ, lba(task), task.cdb16(7), false);
            case READ_12 -> transfer(task, Operation.READ, lba(task), task.cdb32(6) & 0xffff_ffffL, false);
            case READ_CD -> readCd(task);
            case SEEK_10 -> whereDisc(task, 0);
            case START_STOP_UNIT -> startStop(task);
            case PREVENT_ALLOW_MEDIUM_REMOVAL -> {
                synchronized (this) {
                    locked = (task.cdb8(4) & 1) != 0;
                }
                task.succeed(0);
            }
            case READ_TOC -> readToc(task);
            case GET_CONFIGURATION -> getConfiguration(task);
            case GET_EVENT_STATUS_NOTIFICATION -> eventStatus(task);
            case READ_DISC_INFORMATION -> discInformation(task);
            case MECHANISM_STATUS -> {
                byte[] status = new byte[8];
                status[5] = 1;
                if (isTrayOpen()) status[1] = 0x10;
                task.reply(status, task.cdb16(8));
            }
            default -> task.fail(Sense.INVALID_COMMAND);
        }
    }

    private static long lba(ScsiTask task) {
        return task.cdb32(2) & 0xffff_ffffL;
    }

    private void whereDisc(ScsiTask task, long transferred) {
        if (medium() == null) {
            task.fail(Sense.MEDIUM_NOT_PRESENT);
        } else {
            task.succeed(transferred);
        }
    }

    /// MMC-5, 6.19: only what a data track has, its user data.
    private void readCd(ScsiTask task) {
        int count = task.cdb8(6) << 16 | task.cdb16(7);
        int what = task.cdb8(9) & 0xf8;
        if (what == 0 || count == 0) {
            whereDisc(task, 0);
        } else if (what == 0x10) {
            transfer(task, Operation.READ, lba(task), count, false);
        } else {
            task.fail(Sense.INVALID_FIELD_IN_CDB);
        }
    }

    private void startStop(ScsiTask task) {
        boolean loadEject = (task.cdb8(4) & 2) != 0;
        boolean start = (task.cdb8(4) & 1) != 0;
        boolean moved = false;
        synchronized (this) {
            if (loadEject) {
                if (!start && locked) {
                    task.fail(Sense.REMOVAL_PREVENTED);
                    return;
                }
                moved = trayOpen == start;
                trayOpen = !start;
                if (moved && start && disc != null) event = MEDIA_NEW;
                if (moved && !start) event = MEDIA_REMOVED;
            }
        }
        if (moved) trayMoved.accept(!start);
        if (moved && start) attend(Sense.MEDIUM_CHANGED);
        task.succeed(0);
    }

    /// MMC-5, 6.27: one session, one data track.
    private void readToc(ScsiTask task) {
        if (medium() == null) {
            task.fail(Sense.MEDIUM_NOT_PRESENT);
            return;
        }
        boolean msf = (task.cdb8(1) & MSF) != 0;
        int format = task.cdb8(2) & 0xf;
        if (format == 0) format = task.cdb8(9) >> 6;
        int first = task.cdb8(6);
        ByteBuffer toc = ByteBuffer.allocate(64);
        toc.position(2);
        switch (format) {
            case 0 -> {
                if (first > 1 && first != LEAD_OUT) {
                    task.fail(Sense.INVALID_FIELD_IN_CDB);
                    return;
                }
                toc.put((byte) 1).put((byte) 1);
                if (first <= 1) address(toc.put(new byte[] {0, 0x14, 1, 0}), 0, msf);
                address(toc.put(new byte[] {0, 0x14, (byte) LEAD_OUT, 0}), blocks(), msf);
            }
            case 1 -> address(toc.put(new byte[] {1, 1, 0, 0x14, 1, 0}), 0, msf);
            default -> {
                task.fail(Sense.INVALID_FIELD_IN_CDB);
                return;
            }
        }
        int length = toc.position();
        toc.putShort(0, (short) (length - 2));
        task.reply(Arrays.copyOf(toc.array(), length), task.cdb16(7));
    }

    private static void address(ByteBuffer to, long lba, boolean msf) {
        if (msf) {
            long frames = lba + 150;
            to.put((byte) 0).put((byte) (frames / 75 / 60)).put((byte) (frames / 75 % 60)).put((byte) (frames % 75));
        } else {
            to.putInt((int) lba);
        }
    }

    /// MMC-5, 6.6: profiles, core, and that the medium can be taken out.
    private void getConfiguration(ScsiTask task) {
        int profile = medium() == null ? 0 : blocks() > CD_BLOCKS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
        ByteBuffer data = ByteBuffer.allocate(40);
        data.putInt(36).putShort((short) 0).putShort((short) profile);
        data.putShort((short) 0).put((byte) 3).put((byte) 8);
        data.putShort((short) PROFILE_DVD_ROM).put((byte) (profile == PROFILE_DVD_ROM ? 1 : 0)).put((byte) 0);
        data.putShort((short) PROFILE_CD_ROM).put((byte) (profile == PROFILE_CD_ROM ? 1 : 0)).put((byte) 0);
        data.putShort((short) 1).put((byte) 0x0b).put((byte) 8).putInt(2).put((byte) 1).put(new byte[3]); // core: ATAPI
        data.putShort((short) 3).put((byte) 3).put((byte) 4).put((byte) 0x29).put(new byte[3]); // tray, eject, lock
        task.reply(data.array(), task.cdb16(7));
    }

    private void eventStatus(ScsiTask task) {
        if ((task.cdb8(1) & 1) == 0) { // asynchronous, which nobody has
            task.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        ByteBuffer data = ByteBuffer.allocate(8);
        if ((task.cdb8(4) & 1 << EVENT_MEDIA) == 0) {
            task.reply(data.putShort((short) 2).put((byte) 0x80).put((byte) (1 << EVENT_MEDIA)).array(), Math.min(4, task.cdb16(7)));
            return;
        }
        synchronized (this) {
            data.putShort((short) 6).put((byte) EVENT_MEDIA).put((byte) (1 << EVENT_MEDIA));
            data.put((byte) event).put((byte) ((trayOpen ? 1 : 0) | (!trayOpen && disc != null ? 2 : 0)));
            event = MEDIA_NONE;
        }
        task.reply(data.array(), task.cdb16(7));
    }

    private void discInformation(ScsiTask task) {
        if (medium() == null) {
            task.fail(Sense.MEDIUM_NOT_PRESENT);
            return;
        }
        byte[] data = new byte[34];
        data[1] = 32;
        data[2] = 0x0e; // complete
        data[3] = 1;
        data[4] = 1;
        data[5] = 1;
        data[6] = 1;
        data[7] = 0x20;
        task.reply(data, task.cdb16(7));
    }

    @Override
    byte @Nullable [] modePage(int page, boolean changeable) {
        return switch (page) {
            case RECOVERY -> new byte[] {RECOVERY, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
            case CAPABILITIES -> {
                ByteBuffer data = ByteBuffer.allocate(22).put((byte) CAPABILITIES).put((byte) 20);
                if (changeable) yield data.array();
                data.put((byte) 0x3b).put((byte) 0); // reads CD-R, CD-RW, DVD; writes nothing
                data.put((byte) 0x70).put((byte) 0).put((byte) (0x29 | (isLocked() ? 2 : 0))).put((byte) 0);
                data.putShort((short) 706).putShort((short) 2).putShort((short) 512).putShort((short) 706); // kB/s, volumes, KiB
                yield data.array();
            }
            default -> null;
        };
    }

    @Override
    int[] modePages() {
        return MODE_PAGES;
    }

    @Override
    int modeParameter() {
        return 0;
    }

    @Override
    byte @Nullable [] vitalPage(int page) {
        return null;
    }

    @Override
    int[] vitalPages() {
        return new int[0];
    }
}
