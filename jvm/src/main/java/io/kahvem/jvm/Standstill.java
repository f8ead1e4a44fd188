package io.kahvem.jvm;

import io.kahvem.jvm.mmu.Exclusive;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Lets one vCPU of a virtual machine access memory while all others stand between two instructions.
///
/// A vCPU counts as standing while it is not in guest code (`running` false), or while it waits here. Each of the two sides first says what
/// it is about to do and then looks at the other: one that begins sets `owner` and then looks whether the others stand; one that goes on
/// says that it does not stand and then looks at `owner`.
final class Standstill {
    private static final int SPINS = 1_000;

    private final AtomicReference<@Nullable JvmVcpu> owner = new AtomicReference<>();
    private final List<JvmVcpu> vcpus;
    private final LongAdder count = new LongAdder();

    Standstill(List<JvmVcpu> vcpus) {
        this.vcpus = vcpus;
    }

    /// What `vcpu` asks by.
    Exclusive of(JvmVcpu vcpu) {
        return new Exclusive() {
            @Override
            public void begin() {
                if (vcpus.size() > 1) Standstill.this.begin(vcpu);
            }

            @Override
            public void end() {
                owner.compareAndSet(vcpu, null);
            }
        };
    }

    private void begin(JvmVcpu vcpu) {
        count.increment();
        vcpu.standing(true);
        for (int spins = 0; !owner.compareAndSet(null, vcpu); spins++) pause(vcpu, spins);
        vcpu.standing(false);
        for (JvmVcpu other : vcpus) {
            if (other == vcpu || other.stands()) continue;
            other.askToStand();
            for (int spins = 0; !other.stands(); spins++) pause(vcpu, spins);
        }
    }

    /// Between two instructions of `vcpu`, or before its first: waits while another has the memory for itself.
    void pass(JvmVcpu vcpu) {
        while (owner.get() != null) {
            vcpu.standing(true);
            for (int spins = 0; owner.get() != null; spins++) pause(vcpu, spins);
            vcpu.standing(false);
        }
    }

    private static void pause(JvmVcpu vcpu, int spins) {
        vcpu.obey(); // others may be waiting for that
        if (spins > SPINS) {
            Thread.yield();
        } else {
            Thread.onSpinWait();
        }
    }

    /// How often a vCPU has made the others stand.
    long count() {
        return count.sum();
    }
}
