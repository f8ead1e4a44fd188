package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainTextFlags;
import io.kahvem.libvirt.protocol.Qemu;
import java.util.ArrayList;
import java.util.List;

/// Straight to a machine: its control socket, its agent, its keyboard.
final class MonitorSocketVerbs {
    private static final int HMP = 1;
    private static final List<String> CODE_SETS =
            List.of("linux", "xt", "atset1", "atset2", "atset3", "osx", "xt_kbd", "usb", "win32", "qnum");

    /// Linux' key codes 1 to 111 without their KEY_.
    private static final List<String> LINUX_KEYS = List.of(("ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P"
            + " LEFTBRACE RIGHTBRACE ENTER LEFTCTRL A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA"
            + " DOT SLASH RIGHTSHIFT KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK KP7 KP8 KP9"
            + " KPMINUS KP4 KP5 KP6 KPPLUS KP1 KP2 KP3 KP0 KPDOT RESERVED ZENKAKUHANKAKU 102ND F11 F12 RO KATAKANA HIRAGANA HENKAN"
            + " KATAKANAHIRAGANA MUHENKAN KPJPCOMMA KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT LINEFEED HOME UP PAGEUP LEFT RIGHT END DOWN"
            + " PAGEDOWN INSERT DELETE").split(" "));

    static final List<Verb> TABLE = List.of(
            Verb.of(Group.DOMAIN, "qemu-agent-command", "Send a command to the agent in a machine's guest.", MonitorSocketVerbs::agent,
                    DOMAIN, "--timeout=number Wait so many seconds.", "--async Do not wait.", "--block Wait as long as it takes.",
                    "<cmd...> The command."),
            Verb.of(Group.DOMAIN, "qemu-monitor-command", "Send a command to a machine's control socket.", MonitorSocketVerbs::monitor,
                    DOMAIN, "--hmp A command for people.", "<cmd...> The command."),
            Verb.of(Group.DOMAIN, "send-key", "Press keys of a machine's keyboard.", MonitorSocketVerbs::sendKey, DOMAIN,
                    "--codeset=text What the codes are of: linux, xt, atset1, usb ...", "--holdtime=number For so many milliseconds.",
                    "<keycode...> The keys, all at once: names such as KEY_ENTER, or numbers."));

    private MonitorSocketVerbs() {}

    private static void monitor(Call call) {
        DomainRef domain = Lookup.domain(call);
        String command = String.join(" ", call.all("cmd"));
        String answer = call.session().call(Qemu.MONITOR_COMMAND, new DomainTextFlags(domain, command, call.has("hmp") ? HMP : 0)).text();
        call.session().print(answer + "\n");
    }

    private static void agent(Call call) {
        DomainRef domain = Lookup.domain(call);
        String command = String.join(" ", call.all("cmd"));
        int timeout = call.has("block") ? -2 : call.has("async") ? 0 : call.integer("timeout").orElse(-1);
        call.session().call(Qemu.AGENT_COMMAND, new Qemu.AgentCommand(domain, command, timeout, 0)).text()
                .ifPresent(answer -> call.session().print(answer + "\n"));
    }

    private static void sendKey(Call call) {
        DomainRef domain = Lookup.domain(call);
        String set = call.text("codeset").orElse("linux");
        int codeSet = CODE_SETS.indexOf(set);
        if (codeSet < 0) throw new Failure("unknown codeset: '%s'".formatted(set));
        List<Integer> codes = new ArrayList<>();
        for (String key : call.all("keycode")) codes.add(code(set, key));
        call.session().call(Domains.SEND_KEY, new Domains.SendKey(domain, codeSet, call.integer("holdtime").orElse(0), codes, 0));
    }

    private static int code(String set, String key) {
        int named = set.equals("linux") && key.startsWith("KEY_") ? LINUX_KEYS.indexOf(key.substring(4)) + 1 : 0;
        if (named > 0) return named;
        try {
            int code = Integer.decode(key);
            if (code > 0 && code < 0x10000) return code;
        } catch (NumberFormatException e) {
            throw new Failure("invalid keycode: '%s'".formatted(key));
        }
        throw new Failure("invalid keycode: '%s'".formatted(key));
    }
}
