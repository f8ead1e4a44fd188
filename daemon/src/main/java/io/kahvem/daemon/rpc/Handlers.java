package io.kahvem.daemon.rpc;

import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Program;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Which procedures this daemon has: what is not here is answered as unknown. Filled before the server starts, then only read.
public final class Handlers {
    private final Map<Integer, Map<Integer, Bound<?, ?>>> programs = new HashMap<>();

    /// A procedure and what it does here.
    ///
    /// @param quick whether it waits for nothing
    record Bound<A extends Record, R extends Record>(Procedure<A, R> procedure, Handler<A, R> handler, boolean quick) {}

    public Handlers() {
        for (Program program : Program.values()) {
            if (program != Program.KEEPALIVE) programs.put(program.number(), new HashMap<>());
        }
    }

    public <A extends Record, R extends Record> void on(Procedure<A, R> procedure, Handler<A, R> handler) {
        put(new Bound<>(procedure, handler, false));
    }

    /// What waits for no machine, disk or lock, and is asked by the thousand: the thread that reads from the client runs it.
    public <A extends Record, R extends Record> void quick(Procedure<A, R> procedure, Handler<A, R> handler) {
        put(new Bound<>(procedure, handler, true));
    }

    private void put(Bound<?, ?> bound) {
        Procedure<?, ?> procedure = bound.procedure();
        Bound<?, ?> before = program(procedure.program().number()).put(procedure.number(), bound);
        if (before != null) throw new AssertionError(procedure.api() + " has two handlers");
    }

    private Map<Integer, Bound<?, ?>> program(int number) {
        Map<Integer, Bound<?, ?>> program = programs.get(number);
        if (program == null) throw new AssertionError("no program " + number);
        return program;
    }

    boolean hasProgram(int program, int version) {
        return programs.containsKey(program) && version == Program.VERSION;
    }

    @Nullable Bound<?, ?> find(int program, int procedure) {
        return program(program).get(procedure);
    }
}
