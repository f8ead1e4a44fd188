package io.kahvem.vmm.control;

import io.kahvem.config.Management;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Control.HumanMonitorCommand;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.RunState;
import io.kahvem.vmm.ShutdownCause;
import java.util.List;
import java.util.Locale;

/// human-monitor-command: the few lines of QEMU's monitor for people that people and scripts type most. Any other is answered as QEMU
/// answers one it does not know.
final class HumanMonitor {
    private static final String END = "\r\n";

    private final Machine machine;

    HumanMonitor(Machine machine) {
        this.machine = machine;
    }

    void addTo(QmpService service) {
        service.on(HumanMonitorCommand.class, command -> answer(command.commandLine().strip()));
    }

    private String answer(String line) {
        List<String> words = List.of(line.split("\\s+"));
        return switch (words.getFirst()) {
            case "info" -> info(words.size() == 1 ? "" : words.get(1));
            case "stop", "s" -> done(machine.pause());
            case "cont", "c" -> done(machine.state() != RunState.SHUTDOWN && machine.resume());
            case "system_reset" -> {
                machine.reset();
                yield "";
            }
            case "system_powerdown" -> {
                machine.powerButton();
                yield "";
            }
            case "nmi" -> {
                machine.injectNmi();
                yield "";
            }
            case "quit", "q" -> {
                machine.stop(ShutdownCause.HOST_QMP_QUIT);
                yield "";
            }
            default -> "unknown command: '%s'%s".formatted(words.getFirst(), END);
        };
    }

    private String info(String what) {
        Management management = machine.config().management();
        return switch (what) {
            case "status" -> "VM status: " + status() + END;
            case "version" -> "7.2.0Kahvem" + END;
            case "name" -> management.name().map(name -> name + END).orElse("");
            case "uuid" -> management.uuid().map(Object::toString).orElse("00000000-0000-0000-0000-000000000000") + END;
            case "kvm" -> "kvm support: %s%s".formatted(machine.engineName().equals("kvm") ? "enabled" : "disabled", END);
            case "cpus" -> cpus();
            default -> "unknown command: 'info %s'%s".formatted(what, END);
        };
    }

    private String status() {
        RunState state = machine.state();
        return switch (state) {
            case RUNNING -> "running";
            case PAUSED -> "paused";
            case PRELAUNCH, GUEST_PANICKED, IO_ERROR, SHUTDOWN ->
                "paused (%s)".formatted(state.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        };
    }

    private String cpus() {
        StringBuilder text = new StringBuilder();
        int index = 0;
        for (long thread : machine.vcpuThreadIds()) {
            text.append("%c CPU #%d: thread_id=%d%s".formatted(index == 0 ? '*' : ' ', index, thread, END));
            index++;
        }
        return text.toString();
    }

    private static String done(boolean ok) {
        return ok ? "" : "Error: Resetting the Virtual Machine is required" + END;
    }
}
