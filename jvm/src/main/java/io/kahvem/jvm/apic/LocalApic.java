package io.kahvem.jvm.apic;

/// (placeholder until the APIC lands)
public final class LocalApic {
    public boolean covers(long gpa) {
        return false;
    }

    public long mmioRead(long gpa, int bytes) {
        return 0;
    }

    public void mmioWrite(long gpa, int bytes, long value) {}
}
