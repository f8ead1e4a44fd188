package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Secrets.SecretFlags;
import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Pass phrases.
final class SecretVerbs {
    private static final String SECRET = "<secret> The secret's UUID.";
    private static final List<String> USES = List.of("Unused", "volume", "ceph", "iscsi", "tls", "vtpm");

    static final List<Verb> TABLE = List.of(
            secret("secret-define", "Define a secret from a file, or define it anew.", SecretVerbs::define, FILE,
                    "--validate Check the file against the schema first."),
            secret("secret-dumpxml", "Print a secret's description.",
                    call -> Xml.print(call, call.session().call(Secrets.GET_XML_DESC, new SecretFlags(Lookup.secret(call), 0)).text()),
                    SECRET, XPATH, WRAP),
            secret("secret-get-value", "Print a secret's value.", SecretVerbs::value, SECRET, "--plain As it is, not in base64."),
            secret("secret-list", "List secrets.", SecretVerbs::list, "--ephemeral Those that are forgotten with the daemon.",
                    "--no-ephemeral Those that are kept.", "--private Those whose value is not told.", "--no-private Those whose value is.",
                    Verb.JSON),
            secret("secret-set-value", "Give a secret its value.", SecretVerbs::setValue, SECRET, "[file] The file with the value.",
                    "--plain The file has the value itself, not base64.", "--interactive Ask for it.",
                    "--base64=text The value in base64; others on this host can see it here."),
            secret("secret-undefine", "Forget a secret.", SecretVerbs::undefine, SECRET));

    private SecretVerbs() {}

    private static Verb secret(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.SECRET, name, summary, action, rows);
    }

    private static void define(Call call) {
        try {
            SecretRef secret = call.session().call(Secrets.DEFINE_XML, new TextFlags(call.file("file"), call.has("validate") ? 1 : 0));
            call.session().say("Secret %s created\n".formatted(secret.uuid()));
        } catch (LibvirtException e) {
            throw new Failure("Failed to set attributes from " + call.given("file"), e);
        }
    }

    private static void list(Call call) {
        int flags = call.flags(Map.of("ephemeral", 1, "no-ephemeral", 2, "private", 4, "no-private", 8));
        List<SecretRef> secrets;
        try {
            secrets = new ArrayList<>(call.session().call(Secrets.LIST_ALL, new ListAll(1, flags)).secrets());
        } catch (LibvirtException e) {
            throw new Failure("Failed to list secrets", e);
        }
        secrets.sort(Comparator.comparing(each -> each.uuid().toString()));
        if (call.has("json")) {
            call.session().json(secrets.stream().map(each -> Map.of("uuid", each.uuid().toString(), "usage", use(each))).toList());
            return;
        }
        Table table = new Table("UUID", "Usage");
        for (SecretRef each : secrets) table.row(each.uuid().toString(), use(each));
        call.session().print(table);
    }

    private static String use(SecretRef secret) {
        String use = Lines.at(USES, secret.usageType(), "unknown");
        return secret.usageType() == 0 ? use : use + " " + secret.usageId();
    }

    private static void value(Call call) {
        byte[] value = call.session().call(Secrets.GET_VALUE, new SecretFlags(Lookup.secret(call), 0)).octets();
        if (call.has("plain")) {
            call.session().flush();
            try {
                call.session().context().out().write(value);
                call.session().context().out().flush();
            } catch (IOException e) {
                throw new Failure("failed to print secret value: " + e.getMessage());
            }
        } else {
            call.session().print(Base64.getEncoder().encodeToString(value));
        }
    }

    private static void setValue(Call call) {
        call.exclusive("file", "base64");
        call.exclusive("plain", "base64");
        call.exclusive("interactive", "base64");
        call.exclusive("interactive", "plain");
        call.exclusive("interactive", "file");
        SecretRef secret = Lookup.secret(call);
        byte[] value;
        Optional<String> base64 = call.text("base64");
        if (base64.isPresent()) {
            call.session().error("Passing secret value as command-line argument is insecure!");
            value = decode(base64.get().getBytes(StandardCharsets.ISO_8859_1));
        } else if (call.has("file")) {
            byte[] content = content(call.given("file"));
            value = call.has("plain") ? content : decode(content);
        } else {
            value = asked(call.session());
        }
        try {
            call.session().call(Secrets.SET_VALUE, new Secrets.SetValue(secret, value, 0));
        } catch (LibvirtException e) {
            throw new Failure("Failed to set secret value", e);
        }
        call.session().say("Secret value set\n");
    }

    private static byte[] content(String file) {
        try {
            return java.nio.file.Files.readAllBytes(Path.of(file));
        } catch (IOException e) {
            throw new Failure("Failed to open file '%s': %s".formatted(file, Files.reason(e)));
        }
    }

    private static byte[] decode(byte[] base64) {
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new Failure("Invalid base64 data");
        }
    }

    private static byte[] asked(Session session) {
        Console console = System.console();
        if (console == null) throw new Failure("Input secret value is missing");
        session.flush();
        char[] typed = console.readPassword("Enter new value for secret:");
        if (typed == null) throw new Failure("Failed to read secret");
        return new String(typed).getBytes(StandardCharsets.UTF_8);
    }

    private static void undefine(Call call) {
        SecretRef secret = Lookup.secret(call);
        try {
            call.session().call(Secrets.UNDEFINE, new Secrets.SecretArg(secret));
        } catch (LibvirtException e) {
            throw new Failure("Failed to delete secret " + call.given("secret"), e);
        }
        call.session().say("Secret %s deleted\n".formatted(call.given("secret")));
    }
}
