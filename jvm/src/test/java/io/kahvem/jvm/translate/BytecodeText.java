package io.kahvem.jvm.translate;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// The method `run` of a region's class as text for people: an instruction a line, labels by number, local variables by what they are for.
final class BytecodeText {
    private static final Map<Integer, String> LOCALS = Map.ofEntries(
            Map.entry(Code.THIS, "this"), Map.entry(Code.CPU, "cpu"), Map.entry(Code.REGS, "r"), Map.entry(Code.BASE, "base"),
            Map.entry(Code.ENTRY_NUMBER, "entry"), Map.entry(Code.BUDGET, "budget"), Map.entry(Code.READ_TABLE, "readTable"),
            Map.entry(Code.WRITE_TABLE, "writeTable"), Map.entry(Code.ADDRESS, "address"), Map.entry(Code.HOST, "host"),
            Map.entry(Code.VALUE, "value"), Map.entry(Code.KINDS, "kinds"), Map.entry(Code.CHAIN, "chain"),
            Map.entry(Code.FLAG_A, "flagA"), Map.entry(Code.FLAG_B, "flagB"), Map.entry(Code.FLAG_C, "flagC"),
            Map.entry(Code.FLAG_OVERLAY, "overlay"), Map.entry(Code.PLACE, "place"), Map.entry(Code.RETURN_TO, "returnTo"),
            Map.entry(Code.EXIT_AT, "exitAt"),
            Map.entry(Code.T0, "t0"), Map.entry(Code.T1, "t1"), Map.entry(Code.T2, "t2"), Map.entry(Code.T3, "t3"));
    private static final String[] GENERAL = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15"};

    private final Map<Label, Integer> labels = new HashMap<>();
    private final Set<Label> targets = new HashSet<>();
    private final StringBuilder text = new StringBuilder();

    private BytecodeText() {}

    static String of(byte[] classFile) {
        ClassModel model = ClassFile.of().parse(classFile);
        BytecodeText text = new BytecodeText();
        for (MethodModel method : model.methods()) {
            if (method.methodName().equalsString("run")) text.method((CodeAttribute) method.code().orElseThrow());
        }
        return text.text.toString();
    }

    private void method(CodeAttribute code) {
        text.append("; ").append(code.codeLength()).append(" bytes\n");
        for (CodeElement element : (CodeModel) code) {
            switch (element) {
                case BranchInstruction branch -> targets.add(branch.target());
                case TableSwitchInstruction table -> {
                    targets.add(table.defaultTarget());
                    table.cases().forEach(c -> targets.add(c.target()));
                }
                default -> {}
            }
        }
        for (CodeElement element : (CodeModel) code) {
            if (element instanceof LabelTarget target && targets.contains(target.label())) text.append(name(target.label())).append(":\n");
            if (element instanceof Instruction instruction) text.append("    ").append(line(instruction)).append('\n');
        }
    }

    private String name(Label label) {
        return "L" + labels.computeIfAbsent(label, l -> labels.size());
    }

    private String line(Instruction instruction) {
        return switch (instruction) {
            case LoadInstruction load -> load.typeKind().name().charAt(0) == 'R' ? "aload " + local(load.slot())
                    : load.typeKind().name().toLowerCase(Locale.ROOT) + " " + local(load.slot());
            case StoreInstruction store -> store.typeKind().name().toLowerCase(Locale.ROOT) + " -> " + local(store.slot());
            case IncrementInstruction increment -> local(increment.slot()) + " += " + increment.constant();
            case ConstantInstruction constant -> constant.constantValue() instanceof Number n ? number(n)
                    : String.valueOf(constant.constantValue());
            case FieldInstruction field -> opcode(field) + " " + simple(field.owner().asSymbol()) + "." + field.name();
            case InvokeInstruction call -> "call " + simple(call.owner().asSymbol()) + "." + call.name();
            case BranchInstruction branch -> opcode(branch) + " " + name(branch.target());
            case TableSwitchInstruction table -> {
                StringBuilder cases = new StringBuilder("tableswitch");
                table.cases().forEach(c -> cases.append(' ').append(c.caseValue()).append(": ").append(name(c.target())).append(','));
                yield cases.append(" else ").append(name(table.defaultTarget())).toString();
            }
            default -> opcode(instruction);
        };
    }

    private static String number(Number n) {
        return n instanceof Long wide && (wide > 9 || wide < -9) ? "%#xL".formatted(wide) : n instanceof Long ? n + "L" : n.toString();
    }

    private static String opcode(Instruction instruction) {
        return instruction.opcode().name().toLowerCase(Locale.ROOT);
    }

    private static String simple(ClassDesc owner) {
        return owner.displayName().startsWith("Region_") ? "self" : owner.displayName();
    }

    private static String local(int slot) {
        String name = LOCALS.get(slot);
        if (name != null) return name;
        for (int n = 0; n < 16; n++) {
            if (slot == Code.general(n)) return GENERAL[n];
            if (slot == Code.vector(n, 0)) return "xmm" + n;
            if (slot == Code.vector(n, 1)) return "xmm" + n + "high";
        }
        for (int half = 0; half < 4; half++) {
            if (slot == Code.RESULT + 2 * half) return "result" + half;
        }
        return "local" + slot;
    }
}
