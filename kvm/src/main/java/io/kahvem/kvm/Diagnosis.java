package io.kahvem.kvm;

import static io.kahvem.kvm.abi.Constants.*;

import io.kahvem.hypervisor.VmExit;
import io.kahvem.kvm.abi.Request;
import io.kahvem.kvm.abi.Struct;
import io.kahvem.kvm.abi.Structs;
import java.lang.foreign.Arena;
import java.util.Arrays;

/// What to tell a person when the kernel cannot go on: why, and where the guest was. The vCPU's own thread.
final class Diagnosis {
    private static final int INSTRUCTION_BYTES = 15;
    private static final long RFLAGS_VM = 1 << 17;
    private static final long CR0_PE = 1;
    private static final long EFER_LMA = 1 << 10;

    private final KvmFile file;
    private final RunPage run;
    private final VcpuStates states;
    private final KvmVm vm;

    Diagnosis(KvmFile file, RunPage run, VcpuStates states, KvmVm vm) {
        this.file = file;
        this.run = run;
        this.states = states;
        this.vm = vm;
    }

    /// For an exit that nothing can be done about.
    VmExit.Fatal fatal(int exitReason) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = exitReason == KVM_EXIT_INTERNAL_ERROR ? reportedBytes() : new byte[0];
            return fatal(arena, reason(exitReason), bytes.length == 0 ? bytesAtRip(arena) : bytes);
        }
    }

    VmExit.Fatal stuckAt(String instruction, byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            return fatal(arena, "KVM_RUN does not return: this KVM does not get past " + instruction + software(), bytes);
        }
    }

    private VmExit.Fatal fatal(Arena arena, String reason, byte[] bytes) {
        Struct regs = states.registers(arena);
        return new VmExit.Fatal(reason, mode(states.systemRegisters(arena), regs.get("rflags")), regs.get("rip"), bytes);
    }

    private String reason(int exitReason) {
        return switch (exitReason) {
            case KVM_EXIT_INTERNAL_ERROR -> internalError(run.get32(RunPage.INTERNAL_SUBERROR));
            case KVM_EXIT_FAIL_ENTRY ->
                "the processor refused to enter the guest (KVM_EXIT_FAIL_ENTRY, hardware reason %#x)"
                        .formatted(run.get64(RunPage.HARDWARE_REASON));
            case KVM_EXIT_UNKNOWN ->
                "an exit that KVM does not know (KVM_EXIT_UNKNOWN, hardware reason %#x)".formatted(run.get64(RunPage.HARDWARE_REASON));
            default -> "an exit that this engine does not know (exit reason " + exitReason + ")";
        };
    }

    private String internalError(int suberror) {
        return switch (suberror) {
            case KVM_INTERNAL_ERROR_EMULATION -> "KVM cannot emulate this instruction (KVM_INTERNAL_ERROR_EMULATION)" + software();
            case KVM_INTERNAL_ERROR_SIMUL_EX -> "exceptions within exceptions (KVM_INTERNAL_ERROR_SIMUL_EX)";
            case KVM_INTERNAL_ERROR_DELIVERY_EV -> "KVM cannot deliver an event (KVM_INTERNAL_ERROR_DELIVERY_EV" + data() + ")";
            case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON ->
                "an exit that KVM does not expect (KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON" + data() + ")";
            default -> "an internal error of KVM (suberror " + suberror + data() + ")";
        };
    }

    private String software() {
        return vm.softwareOnly() ? "; it runs without hardware virtualization and lacks much: --accel jvm runs all of it" : "";
    }

    private String data() {
        StringBuilder words = new StringBuilder();
        int count = Math.min(16, run.get32(RunPage.INTERNAL_NDATA));
        for (int n = 0; n < count; n++) words.append(", %#x".formatted(run.get64(RunPage.INTERNAL_DATA + 8L * n)));
        return words.toString();
    }

    /// The instruction's bytes, which the kernel gives with a failed emulation.
    private byte[] reportedBytes() {
        boolean given = run.get32(RunPage.INTERNAL_SUBERROR) == KVM_INTERNAL_ERROR_EMULATION
                && run.get32(RunPage.INTERNAL_NDATA) >= 1
                && (run.get64(RunPage.EMULATION_FLAGS) & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0;
        byte[] bytes = new byte[given ? Math.min(INSTRUCTION_BYTES, run.get8(RunPage.EMULATION_INSN_SIZE)) : 0];
        for (int n = 0; n < bytes.length; n++) bytes[n] = (byte) run.get8(RunPage.EMULATION_INSN_BYTES + n);
        return bytes;
    }

    /// As far as they are mapped, which a page that is not ends.
    byte[] bytesAtRip(Arena arena) {
        Struct sregs = states.systemRegisters(arena);
        long linear = VcpuStates.linearRip(states.registers(arena), sregs);
        byte[] bytes = new byte[INSTRUCTION_BYTES];
        Struct translation = Struct.allocate(arena, Structs.TRANSLATION);
        for (int n = 0; n < bytes.length; n++) {
            translation.set("linear_address", linear + n);
            int result = file.attempt(Request.KVM_TRANSLATE, translation.address());
            if (result < 0 || !translation.isSet("valid")) return Arrays.copyOf(bytes, n);
            bytes[n] = (byte) vm.memory().read8(translation.get("physical_address"));
        }
        return bytes;
    }

    private static String mode(Struct sregs, long rflags) {
        if ((sregs.get("cr0") & CR0_PE) == 0) return "real mode";
        if ((rflags & RFLAGS_VM) != 0) return "virtual-8086 mode";
        boolean longMode = (sregs.get("efer") & EFER_LMA) != 0 && sregs.isSet("cs.l");
        String size = longMode ? "64-bit mode" : sregs.isSet("cs.db") ? "32-bit mode" : "16-bit protected mode";
        return size + ", CPL " + sregs.get("ss.dpl");
    }
}
