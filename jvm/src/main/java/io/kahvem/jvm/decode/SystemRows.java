package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.control;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.semantics.ControlRegisters;
import io.kahvem.jvm.semantics.Cpuid;
import io.kahvem.jvm.semantics.Debug;
import io.kahvem.jvm.semantics.FarTransfer;
import io.kahvem.jvm.semantics.FlagControl;
import io.kahvem.jvm.semantics.Hints;
import io.kahvem.jvm.semantics.Interrupts;
import io.kahvem.jvm.semantics.ModelSpecific;
import io.kahvem.jvm.semantics.Ports;
import io.kahvem.jvm.semantics.Segments;
import io.kahvem.jvm.semantics.TableRegisters;

/// Segments, interrupts, flags, ports and the system instructions of SDM Vol. 2, Tables and A-6 (groups 5, 6, 7, 9, 15, 16).
/// Opcodes that are not here (MONITOR, VMX, RSM, UD0 to UD2 ...) are #UD.
public final class SystemRows {
    private SystemRows() {}

    public static void define(OpcodeMap map) {
        segments(map);
        flags(map);
        interrupts(map);
        farTransfers(map);
        ports(map);
        tables(map);
        controlRegisters(map);
        modelSpecific(map);
        hints(map);
    }

    private static void segments(OpcodeMap map) {
        map.row(0x8c, whole(Segments.class, "movFromSegment"), Ev, Sw);
        map.row(0x8e, control(Segments.class, "movToSegment"), Ew, Sw);
        map.row(0x06, whole(Segments.class, "pushEs")).not64();
        map.row(0x0e, whole(Segments.class, "pushCs")).not64();
        map.row(0x16, whole(Segments.class, "pushSs")).not64();
        map.row(0x1e, whole(Segments.class, "pushDs")).not64();
        map.row0f(0xa0, whole(Segments.class, "pushFs")).default64();
        map.row0f(0xa8, whole(Segments.class, "pushGs")).default64();
        map.row(0x07, control(Segments.class, "popEs")).not64();
        map.row(0x17, control(Segments.class, "popSs")).not64();
        map.row(0x1f, control(Segments.class, "popDs")).not64();
        map.row0f(0xa1, control(Segments.class, "popFs")).default64();
        map.row0f(0xa9, control(Segments.class, "popGs")).default64();
        map.row(0xc4, control(Segments.class, "les"), Gv, M).not64();
        map.row(0xc5, control(Segments.class, "lds"), Gv, M).not64();
        map.row0f(0xb2, control(Segments.class, "lss"), Gv, M);
        map.row0f(0xb4, control(Segments.class, "lfs"), Gv, M);
        map.row0f(0xb5, control(Segments.class, "lgs"), Gv, M);
    }

    private static void flags(OpcodeMap map) {
        map.row(0x9c, whole(FlagControl.class, "pushf")).default64();
        map.row(0x9d, control(FlagControl.class, "popf")).default64();
        map.row(0x9e, whole(FlagControl.class, "sahf")).changesFlags();
        map.row(0x9f, whole(FlagControl.class, "lahf"));
        map.row(0xf5, whole(FlagControl.class, "cmc")).changesFlags();
        map.row(0xf8, whole(FlagControl.class, "clc")).changesFlags();
        map.row(0xf9, whole(FlagControl.class, "stc")).changesFlags();
        map.row(0xfa, whole(FlagControl.class, "cli"));
        map.row(0xfb, whole(FlagControl.class, "sti")).ends();
        map.row(0xfc, whole(FlagControl.class, "cld")).noFlags();
        map.row(0xfd, whole(FlagControl.class, "std")).noFlags();
        map.group0fExact(0x01, 0xca, whole(FlagControl.class, "clac"));
        map.group0fExact(0x01, 0xcb, whole(FlagControl.class, "stac"));
    }

    private static void interrupts(OpcodeMap map) {
        map.row(0xcc, control(Interrupts.class, "int3"));
        map.row(0xcd, control(Interrupts.class, "intN"), Ib);
        map.row(0xce, control(Interrupts.class, "into")).not64();
        map.row(0xf1, control(Interrupts.class, "int1"));
        map.row(0x62, whole(Interrupts.class, "bound"), Gv, M).not64();
        map.row(0xcf, control(FarTransfer.class, "iret"));
    }

    private static void farTransfers(OpcodeMap map) {
        map.row(0xea, control(FarTransfer.class, "jmpDirect"), Ap).not64();
        map.row(0x9a, control(FarTransfer.class, "callDirect"), Ap).not64();
        map.groupMemory(0xff, 3, control(FarTransfer.class, "callIndirect"), Ev);
        map.groupMemory(0xff, 5, control(FarTransfer.class, "jmpIndirect"), Ev);
        map.row(0xca, control(FarTransfer.class, "ret"), Iw);
        map.row(0xcb, control(FarTransfer.class, "ret"));
    }

    private static void ports(OpcodeMap map) {
        map.row(0xe4, whole(Ports.class, "inByteImmediate"), AL, Ib);
        map.row(0xe5, whole(Ports.class, "inImmediate"), rAX, Ib);
        // What a guest writes may end the machine, and nothing may run after that.
        map.row(0xe6, whole(Ports.class, "outByteImmediate"), Ib, AL).ends();
        map.row(0xe7, whole(Ports.class, "outImmediate"), Ib, rAX).ends();
        map.row(0xec, whole(Ports.class, "inByte"));
        map.row(0xed, whole(Ports.class, "in"));
        map.row(0xee, whole(Ports.class, "outByte")).ends();
        map.row(0xef, whole(Ports.class, "out")).ends();
        map.row(0x6c, whole(Ports.class, "insByte"));
        map.row(0x6d, whole(Ports.class, "ins"));
        map.row(0x6e, whole(Ports.class, "outsByte"));
        map.row(0x6f, whole(Ports.class, "outs"));
    }

    /// Those that serialize (SDM Vol. 3A, 9.3) end a block, as CPUID does: code that another processor has written is seen after them.
    private static void tables(OpcodeMap map) {
        map.group0f(0x00, 0, whole(TableRegisters.class, "sldt"), Ev);
        map.group0f(0x00, 1, whole(TableRegisters.class, "str"), Ev);
        map.group0f(0x00, 2, whole(TableRegisters.class, "lldt"), Ew).ends();
        map.group0f(0x00, 3, whole(TableRegisters.class, "ltr"), Ew).ends();
        map.group0f(0x00, 4, whole(TableRegisters.class, "verr"), Ew).changesFlags();
        map.group0f(0x00, 5, whole(TableRegisters.class, "verw"), Ew).changesFlags();
        map.group0fMemory(0x01, 0, whole(TableRegisters.class, "sgdt"), Ex);
        map.group0fMemory(0x01, 1, whole(TableRegisters.class, "sidt"), Ex);
        map.group0fMemory(0x01, 2, whole(TableRegisters.class, "lgdt"), Ex).ends();
        map.group0fMemory(0x01, 3, whole(TableRegisters.class, "lidt"), Ex).ends();
        map.group0f(0x01, 4, whole(TableRegisters.class, "smsw"), Ev);
        map.group0f(0x01, 6, control(TableRegisters.class, "lmsw"), Ew);
        map.legacyRow(0x63, whole(TableRegisters.class, "arpl"), Ew, Gw).changesFlags();
        map.row0f(0x02, whole(TableRegisters.class, "lar"), Gv, Ew).changesFlags();
        map.row0f(0x03, whole(TableRegisters.class, "lsl"), Gv, Ew).changesFlags();
    }

    private static void controlRegisters(OpcodeMap map) {
        map.row0f(0x20, whole(ControlRegisters.class, "movFromControl"), Ex, Cd);
        map.row0f(0x22, control(ControlRegisters.class, "movToControl"), Cd, Ex);
        map.row0f(0x21, whole(Debug.class, "movFromDebug"), Ex, Dd);
        map.row0f(0x23, control(Debug.class, "movToDebug"), Dd, Ex);
        map.row0f(0x06, whole(ControlRegisters.class, "clts"));
        map.group0fExact(0x01, 0xd0, whole(ControlRegisters.class, "xgetbv"));
        map.group0fExact(0x01, 0xd1, control(ControlRegisters.class, "xsetbv"));
        map.group0fMemory(0x01, 7, control(ControlRegisters.class, "invlpg"), Ex);
        map.row0f(0x08, whole(ControlRegisters.class, "flushCaches")).ends();
        map.row0f(0x09, whole(ControlRegisters.class, "flushCaches")).ends();
        map.row(0xf4, control(ControlRegisters.class, "hlt"));
        map.row0f(0x05, control(ControlRegisters.class, "syscall"));
        map.row0f(0x07, control(ControlRegisters.class, "sysret"));
        map.row0f(0x34, control(ControlRegisters.class, "sysenter"));
        map.row0f(0x35, control(ControlRegisters.class, "sysexit"));
        map.group0fExact(0x01, 0xf8, whole(ControlRegisters.class, "swapgs"));
        map.group0fRegister(OpcodeMap.PF3, 0xae, 0, whole(ControlRegisters.class, "rdfsbase"), Ex);
        map.group0fRegister(OpcodeMap.PF3, 0xae, 1, whole(ControlRegisters.class, "rdgsbase"), Ex);
        map.group0fRegister(OpcodeMap.PF3, 0xae, 2, whole(ControlRegisters.class, "wrfsbase"), Ex);
        map.group0fRegister(OpcodeMap.PF3, 0xae, 3, whole(ControlRegisters.class, "wrgsbase"), Ex);
    }

    private static void modelSpecific(OpcodeMap map) {
        map.row0f(0xa2, whole(Cpuid.class, "cpuid")).ends();
        map.row0f(0x30, control(ModelSpecific.class, "wrmsr"));
        map.row0f(0x31, whole(ModelSpecific.class, "rdtsc"));
        map.row0f(0x32, whole(ModelSpecific.class, "rdmsr"));
        map.row0f(0x33, whole(ModelSpecific.class, "rdpmc"));
        map.group0fExact(0x01, 0xf9, whole(ModelSpecific.class, "rdtscp"));
        map.group0fRegister(0xc7, 6, whole(ModelSpecific.class, "random"), Ev).changesFlags();
        map.group0fRegister(0xc7, 7, whole(ModelSpecific.class, "random"), Ev).changesFlags();
    }

    private static void hints(OpcodeMap map) {
        Op nop = whole(Hints.class, "nop");
        map.row0f(0x0d, nop, Ev).noFlags();
        for (int opcode = 0x18; opcode <= 0x1f; opcode++) map.row0f(opcode, nop, Ev).noFlags();
        map.group0fRegister(0xae, 5, nop).noFlags();
        map.group0fRegister(0xae, 6, whole(Hints.class, "mfence")).noFlags();
        map.group0fRegister(0xae, 7, nop).noFlags();
        map.group0fMemory(0xae, 7, whole(Hints.class, "flushLine"), Ex);
        map.group0fMemory(OpcodeMap.P66, 0xae, 6, whole(Hints.class, "flushLine"), Ex);
        map.group0fMemory(OpcodeMap.P66, 0xae, 7, whole(Hints.class, "flushLine"), Ex);
    }
}
