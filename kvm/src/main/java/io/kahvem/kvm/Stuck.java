package io.kahvem.kvm;

import io.kahvem.kvm.abi.Struct;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Tells a vCPU that its KVM_RUN will never get past an instruction: at [#PATIENCE] kicks of the watchdog in a row all registers were the
/// same, and the instruction is one that cannot leave them so. A guest that waits in a loop of its own is never taken for one.
final class Stuck {
    private static final int PATIENCE = 3;

    private long @Nullable [] registers;
    private int times;

    /// The name of the instruction, or null while there is hope. `bytes` are those at RIP.
    @Nullable String at(Struct regs, byte[] bytes) {
        long[] now = regs.segment().toArray(ValueLayout.JAVA_LONG);
        times = Arrays.equals(now, registers) ? times + 1 : 1;
        registers = now;
        return times < PATIENCE ? null : instruction(bytes);
    }

    void moved() {
        registers = null;
        times = 0;
    }

    private static @Nullable String instruction(byte[] bytes) {
        if (bytes.length < 3) return null;
        if (bytes[0] == 0x0f && bytes[1] == 0x01 && bytes[2] == (byte) 0xc1) return "VMCALL";
        if (bytes[0] == 0x0f && bytes[1] == 0x01 && bytes[2] == (byte) 0xd9) return "VMMCALL";
        return bytes[0] == (byte) 0xcd ? "INT %02XH".formatted(bytes[1]) : null;
    }
}
