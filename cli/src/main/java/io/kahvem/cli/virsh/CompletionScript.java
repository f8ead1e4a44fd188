package io.kahvem.cli.virsh;

import java.util.List;
import java.util.stream.Collectors;

/// Completion for shells, made of the table. Names of machines, pools and secrets are asked of the daemon as they are needed.
final class CompletionScript {
    /// The verbs that are not virsh's.
    private static final List<String> OWN = List.of("daemon", "doctor", "image", "run", "shell");

    private static final String BASH = """
            # bash completion for kahvem: . <(kahvem completion bash)
            _kahvem_names() {
                case $1 in
                    domain) kahvem "${connection[@]}" -q list --all --name ;;
                    pool) kahvem "${connection[@]}" -q pool-list --all --name ;;
                    secret) kahvem "${connection[@]}" -q secret-list | while read -r uuid _; do echo "$uuid"; done ;;
                    device) kahvem "${connection[@]}" -q nodedev-list ;;
                    interface) kahvem "${connection[@]}" -q iface-list --all | while read -r name _; do echo "$name"; done ;;
                    verb) echo "$verbs" ;;
                    shell) echo bash zsh fish ;;
                esac 2> /dev/null
            }

            _kahvem() {
                local cur=${COMP_WORDS[COMP_CWORD]} verb='' options='' values='' n word place=0 skip=''
                local -a connection=()
                local verbs='%s'
                for ((n = 1; n < COMP_CWORD; n++)); do
                    word=${COMP_WORDS[n]}
                    if [ -n "$skip" ]; then
                        [ "$skip" = connect ] && connection=(-c "$word")
                        skip=''
                    elif [ -n "$verb" ]; then
                        case $word in -*) ;; *) place=$((place + 1)) ;; esac
                    else
                        case $word in
                            -c|--connect) skip=connect ;;
                            -d|-e|-k|-K|-l|--debug|--escape|--keepalive-*|--log) skip=value ;;
                            -*) ;;
                            *) verb=$word ;;
                        esac
                    fi
                done
                [ -z "$skip" ] || return
                if [ -z "$verb" ]; then
                    case $cur in
                        -*) COMPREPLY=($(compgen -W '--connect --readonly --quiet --timing --help --version' -- "$cur")) ;;
                        *) COMPREPLY=($(compgen -W "$verbs" -- "$cur")) ;;
                    esac
                    return
                fi
                case $verb in
            %s        *) values=(file) ;;
                esac
                case $cur in -*) COMPREPLY=($(compgen -W "$options" -- "$cur")); return ;; esac
                case ${values[place]:-} in
                    file) COMPREPLY=($(compgen -f -- "$cur")) ;;
                    ''|other) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
                    *) COMPREPLY=($(compgen -W "$(_kahvem_names "${values[place]}")" -- "$cur")) ;;
                esac
            }
            complete -o filenames -F _kahvem kahvem
            """;

    private CompletionScript() {}

    static String of(String shell) {
        return switch (shell) {
            case "bash" -> bash();
            case "zsh" -> zsh();
            case "fish" -> fish();
            default -> throw new Failure("no completion for shell '%s'; there are bash, zsh and fish".formatted(shell));
        };
    }

    private static String verbs() {
        return Verbs.all().map(Verb::name).sorted().collect(Collectors.joining(" ")) + " " + String.join(" ", OWN);
    }

    private static String kind(Verb verb, Opt option) {
        return switch (Completion.value(verb, option)) {
            case DOMAIN -> "domain";
            case POOL -> "pool";
            case SECRET -> "secret";
            case DEVICE -> "device";
            case INTERFACE -> "interface";
            case VERB -> "verb";
            case FILE -> "file";
            case SHELL -> "shell";
            case DISK, VOLUME, EVENT, OTHER -> "other";
        };
    }

    private static List<Verb> sorted() {
        return Verbs.all().sorted((a, b) -> a.name().compareTo(b.name())).toList();
    }

    private static String bash() {
        StringBuilder cases = new StringBuilder();
        for (Verb verb : sorted()) {
            String options = verb.options().stream().map(each -> "--" + each.name()).collect(Collectors.joining(" "));
            String values = verb.options().stream().filter(Opt::placed).map(each -> kind(verb, each)).collect(Collectors.joining(" "));
            cases.append("        %s) options='%s' values=(%s) ;;\n".formatted(verb.name(), options, values));
        }
        return BASH.formatted(verbs(), cases);
    }

    private static final String ZSH = """
            #compdef kahvem
            # zsh completion for kahvem: kahvem completion zsh > a directory of $fpath/_kahvem
            _kahvem_names() {
                local -a names
                case $1 in
                    domain) names=(${(f)"$(kahvem $connection -q list --all --name 2> /dev/null)"}) ;;
                    pool) names=(${(f)"$(kahvem $connection -q pool-list --all --name 2> /dev/null)"}) ;;
                    secret) names=(${${(f)"$(kahvem $connection -q secret-list 2> /dev/null)"}[(w)1]}) ;;
                    device) names=(${(f)"$(kahvem $connection -q nodedev-list 2> /dev/null)"}) ;;
                    shell) names=(bash zsh fish) ;;
                esac
                compadd -a names
            }

            _kahvem() {
                local -a connection verbs
                local verb
                local -i n
                verbs=(
            %s    )
                _arguments -C '(-c --connect)'{-c,--connect}'[the daemon]:uri:' '(-r --readonly)'{-r,--readonly}'[only read]' \\
                    '(-q --quiet)'{-q,--quiet}'[print answers alone]' '(-t --timing)'{-t,--timing}'[say how long it took]' \\
                    '1:verb:->verb' '*::argument:->argument' && return
                (( ${+opt_args[-c]} )) && connection=(-c $opt_args[-c])
                case $state in
                    verb) _describe verb verbs ;;
                    argument)
                        case $words[1] in
            %s                *) _files ;;
                        esac ;;
                esac
            }
            _kahvem "$@"
            """;

    private static String quoted(String text) {
        return text.replace("'", "'\\''").replace(":", "\\:").replace("[", "\\[").replace("]", "\\]");
    }

    private static String zsh() {
        StringBuilder verbs = new StringBuilder();
        StringBuilder cases = new StringBuilder();
        for (Verb verb : sorted()) {
            verbs.append("        '%s:%s'\n".formatted(verb.name(), quoted(verb.summary())));
            cases.append("                %s) _arguments".formatted(verb.name()));
            int place = 1;
            for (Opt each : verb.options()) {
                String kind = kind(verb, each);
                String action = kind.equals("file") ? "_files" : kind.equals("other") || kind.equals("verb") ? "" : "_kahvem_names " + kind;
                if (each.isFlag()) {
                    cases.append(" '--%s[%s]'".formatted(each.name(), quoted(each.help())));
                } else {
                    cases.append(" '--%s[%s]:%s:%s'".formatted(each.name(), quoted(each.help()), each.name(), action));
                }
                if (each.placed()) {
                    String where = each.kind() == Opt.Kind.REST ? "*" : String.valueOf(place++);
                    cases.append(" '%s:%s:%s'".formatted(where, each.name(), action));
                }
            }
            cases.append(" ;;\n");
        }
        for (String each : OWN) verbs.append("        '%s'\n".formatted(each));
        return ZSH.formatted(verbs, cases);
    }

    private static final String FISH = """
            # fish completion for kahvem: kahvem completion fish > ~/.config/fish/completions/kahvem.fish
            function __kahvem_connection
                set -l words (commandline -opc)
                for n in (seq (count $words))
                    if contains -- $words[$n] -c --connect; and test $n -lt (count $words)
                        echo -c
                        echo $words[(math $n + 1)]
                    end
                end
            end
            function __kahvem_names
                set -l connection (__kahvem_connection)
                switch $argv[1]
                    case domain
                        kahvem $connection -q list --all --name 2> /dev/null
                    case pool
                        kahvem $connection -q pool-list --all --name 2> /dev/null
                    case secret
                        kahvem $connection -q secret-list 2> /dev/null | string match -r '[0-9a-f-]{36}'
                    case device
                        kahvem $connection -q nodedev-list 2> /dev/null
                    case shell
                        printf '%s\\n' bash zsh fish
                end
            end
            complete -c kahvem -f
            complete -c kahvem -s c -l connect -x -d 'The daemon'
            complete -c kahvem -s r -l readonly -d 'Only read'
            complete -c kahvem -s q -l quiet -d 'Print answers alone'
            complete -c kahvem -s t -l timing -d 'Say how long it took'
            """;

    private static String fish() {
        StringBuilder text = new StringBuilder(FISH);
        String none = "not __fish_seen_subcommand_from " + verbs();
        text.append("set -l __kahvem_none '%s'\n".formatted(none));
        for (String each : OWN) text.append("complete -c kahvem -n $__kahvem_none -a %s\n".formatted(each));
        for (Verb verb : sorted()) {
            text.append("complete -c kahvem -n $__kahvem_none -a %s -d '%s'\n".formatted(verb.name(), single(verb.summary())));
            String here = "__fish_seen_subcommand_from " + verb.name();
            boolean first = true;
            for (Opt each : verb.options()) {
                String kind = kind(verb, each);
                String values = kind.equals("file") ? " -r -F" : kind.equals("other") || kind.equals("verb") ? " -x"
                        : " -x -a '(__kahvem_names %s)'".formatted(kind);
                text.append("complete -c kahvem -n '%s' -l %s%s -d '%s'\n"
                        .formatted(here, each.name(), each.isFlag() ? "" : values, single(each.help())));
                if (each.placed() && first && !kind.equals("other")) {
                    text.append("complete -c kahvem -n '%s'%s\n".formatted(here, values.replace(" -x", "").replace(" -r", "")));
                }
                first &= !each.placed();
            }
        }
        return text.toString();
    }

    private static String single(String text) {
        return text.replace("\\", "\\\\").replace("'", "\\'");
    }
}
