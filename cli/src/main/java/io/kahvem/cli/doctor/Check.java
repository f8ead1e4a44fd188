package io.kahvem.cli.doctor;

/// One finding. `evidence` is what was seen and where, `remedy` the command or action that mends it: empty where nothing needs mending or
/// nothing can.
record Check(String name, Status status, String evidence, String remedy) {
    static Check pass(String name, String evidence) {
        return new Check(name, Status.PASS, evidence, "");
    }

    static Check warn(String name, String evidence, String remedy) {
        return new Check(name, Status.WARN, evidence, remedy);
    }

    static Check fail(String name, String evidence, String remedy) {
        return new Check(name, Status.FAIL, evidence, remedy);
    }
}
