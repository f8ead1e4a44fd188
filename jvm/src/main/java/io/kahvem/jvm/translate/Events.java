package io.kahvem.jvm.translate;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// What a flight recording tells of translation; nothing where none runs.
final class Events {
    private Events() {}

    @Name("kahvem.RegionMade")
    @Label("Region Made")
    @Description("Guest code was translated to bytecode; the duration is that of making it")
    @Category({"Kahvem", "Java Engine"})
    @StackTrace(false)
    static final class Made extends Event {
        @Label("Guest-Physical Address")
        String gpa = "";

        @Label("Guest Instructions")
        int instructions;

        @Label("Bytes of Bytecode")
        int bytecodes;
    }

    @Name("kahvem.RegionInvalidated")
    @Label("Region Invalidated")
    @Description("Guest code that a region was made from was written")
    @Category({"Kahvem", "Java Engine"})
    static final class Invalidated extends Event {
        @Label("Guest-Physical Address")
        String gpa = "";
    }

    @Name("kahvem.RegionEvicted")
    @Label("Region Evicted")
    @Description("A region that was not entered for long made room for others")
    @Category({"Kahvem", "Java Engine"})
    @StackTrace(false)
    static final class Evicted extends Event {
        @Label("Guest-Physical Address")
        String gpa = "";
    }

    @Name("kahvem.RegionFailed")
    @Label("Region Failed")
    @Description("Guest code could not be translated, and stays interpreted")
    @Category({"Kahvem", "Java Engine"})
    @StackTrace(false)
    static final class Failed extends Event {
        @Label("Guest-Physical Address")
        String gpa = "";

        @Label("Reason")
        String reason = "";
    }

    /// An event that began when the region's making did.
    static Made making() {
        Made event = new Made();
        event.begin();
        return event;
    }

    static void made(Made event, Region region) {
        if (!event.shouldCommit()) return;
        event.gpa = gpa(region);
        event.instructions = region.instructions();
        event.bytecodes = region.bytecodes();
        event.commit();
    }

    static void invalidated(Region region) {
        Invalidated event = new Invalidated();
        if (!event.isEnabled()) return;
        event.gpa = gpa(region);
        event.commit();
    }

    static void evicted(Region region) {
        Evicted event = new Evicted();
        if (!event.isEnabled()) return;
        event.gpa = gpa(region);
        event.commit();
    }

    static void failed(long gpa, String reason) {
        Failed event = new Failed();
        if (!event.isEnabled()) return;
        event.gpa = Long.toHexString(gpa);
        event.reason = reason;
        event.commit();
    }

    private static String gpa(Region region) {
        return Long.toHexString(region.headGpa());
    }
}
