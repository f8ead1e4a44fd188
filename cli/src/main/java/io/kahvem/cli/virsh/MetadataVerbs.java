package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Domains;
import java.util.List;
import java.util.Optional;

/// What people and programs note on a machine.
final class MetadataVerbs {
    private static final int DESCRIPTION = 0;
    private static final int TITLE = 1;
    private static final int ELEMENT = 2;

    static final List<Verb> TABLE = List.of(
            Verb.of(Group.DOMAIN, "desc", "Print or change a machine's description or title.", MetadataVerbs::describe, DOMAIN,
                    LIVE, CONFIG, CURRENT, "--title The title, not the description.", "--edit Change it in the editor.",
                    "[new-desc...] The new text."),
            Verb.of(Group.DOMAIN, "metadata", "Print or change what programs note on a machine.", MetadataVerbs::metadata, DOMAIN,
                    "<uri> The note's namespace.", LIVE, CONFIG, CURRENT, "--edit Change it in the editor.",
                    "[key] The namespace's prefix.", "[set] The new note, an element.", "--remove Remove the note."));

    private MetadataVerbs() {}

    private static void describe(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        int type = call.has("title") ? TITLE : DESCRIPTION;
        String what = call.has("title") ? "title" : "description";
        String text = String.join(" ", call.all("new-desc"));
        if (call.has("edit")) {
            String before = text.isEmpty() ? get(session, domain, type, Optional.empty(), affect).orElse("") : text;
            text = Files.edit(session, before).strip();
            if (text.equals(before)) {
                session.say("Domain %s not changed\n".formatted(what));
                return;
            }
        } else if (!call.has("new-desc")) {
            Optional<String> now = get(session, domain, type, Optional.empty(), affect);
            if (now.isPresent() && !now.get().isEmpty()) {
                session.print(now.get());
            } else {
                session.say("No %s for domain: %s".formatted(what, domain.name()));
            }
            return;
        }
        try {
            session.call(Domains.SET_METADATA, new Domains.SetMetadata(domain, type, Optional.of(text), Optional.empty(),
                    Optional.empty(), affect));
        } catch (LibvirtException e) {
            throw new Failure("Failed to set new domain " + what, e);
        }
        session.say("Domain %s updated successfully".formatted(what));
    }

    private static Optional<String> get(Session session, DomainRef domain, int type, Optional<String> uri, int affect) {
        try {
            return Optional.of(session.call(Domains.GET_METADATA, new Domains.GetMetadata(domain, type, uri, affect)).text());
        } catch (LibvirtException e) {
            if (type != ELEMENT && e.code() == ErrorCode.NO_DOMAIN_METADATA) return Optional.empty();
            throw e;
        }
    }

    private static void metadata(Call call) {
        Session session = call.session();
        call.exclusive("edit", "set");
        call.exclusive("remove", "set");
        call.exclusive("remove", "edit");
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        Optional<String> uri = call.text("uri");
        Optional<String> set = call.text("set");
        if ((set.isPresent() || call.has("edit")) && !call.has("key")) {
            throw new Failure("namespace key is required when modifying metadata");
        }
        if (call.has("edit")) {
            String before = "";
            try {
                before = get(session, domain, ELEMENT, uri, affect).orElse("");
            } catch (LibvirtException e) {
                if (e.code() != ErrorCode.NO_DOMAIN_METADATA) throw e;
            }
            String after = Files.edit(session, before);
            if (after.equals(before)) {
                session.say("Metadata not changed");
                return;
            }
            set = Optional.of(after);
        }
        if (set.isEmpty() && !call.has("remove")) {
            session.print(get(session, domain, ELEMENT, uri, affect).orElse("") + "\n");
            return;
        }
        session.call(Domains.SET_METADATA, new Domains.SetMetadata(domain, ELEMENT, set, call.text("key"), uri, affect));
        session.say(call.has("remove") ? "Metadata removed\n" : "Metadata modified\n");
    }
}
