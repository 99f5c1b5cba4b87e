// Verbs and flags come from the help texts at the moment of completion.

#include "cli/completion.h"

#include "cli/command.h"

// Of a verb of two words the help lists the second ones, each behind two spaces.
#define WORDS                                                                                      \
    "    if [ \"$2\" -le 1 ]; then\n"                                                              \
    "        weft help | sed -n 's/^  \\([a-z][a-z-]*\\) .*/\\1/p'\n"                              \
    "        return\n"                                                                             \
    "    fi\n"                                                                                     \
    "    case \"$1\" in\n"                                                                         \
    "    completion) echo bash; echo zsh; echo fish; return ;;\n"                                  \
    "    help) weft help | sed -n 's/^  \\([a-z][a-z-]*\\) .*/\\1/p'; return ;;\n"                 \
    "    esac\n"                                                                                   \
    "    local seconds=$(weft \"$1\" --help | sed -n 's/^  \\([a-z][a-z-]*\\) .*/\\1/p')\n"        \
    "    if [ -n \"$seconds\" ] && [ \"$2\" -eq 2 ]; then\n"                                       \
    "        echo \"$seconds\"\n"                                                                  \
    "        return\n"                                                                             \
    "    fi\n"                                                                                     \
    "    weft \"$1\" ${seconds:+\"$3\"} --help | sed -n 's/^ [^-]*\\(-., "                         \
    "\\)\\{0,1\\}\\(--[a-z][a-z-]*\\).*/\\2/p'\n"

static const char bash_script[] =
    "# weft: completion for bash. Load it with: source <(weft completion bash)\n"
    "_weft_words() {\n" WORDS "}\n"
    "_weft() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]}\n"
    "    COMPREPLY=($(compgen -W \"$(_weft_words \"${COMP_WORDS[1]}\" \"$COMP_CWORD\" "
    "\"${COMP_WORDS[2]}\" 2>/dev/null)\" "
    "-- \"$word\"))\n"
    "}\n"
    "complete -o default -F _weft weft\n";

static const char zsh_script[] =
    "#compdef weft\n"
    "# weft: completion for zsh. Load it with: source <(weft completion zsh)\n"
    "_weft_words() {\n" WORDS "}\n"
    "_weft() {\n"
    "    local -a found\n"
    "    found=(${(f)\"$(_weft_words \"${words[2]}\" \"$((CURRENT - 1))\" \"${words[3]}\" "
    "2>/dev/null)\"})\n"
    "    compadd -a found || _files\n"
    "}\n"
    "compdef _weft weft\n";

// Words have what the help says of them beside them; files are offered where no verb is meant.
static const char fish_script[] =
    "# weft: completion for fish. Load it with: weft completion fish | source\n"
    "function __weft_verbs\n"
    "    weft $argv --help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*) +(.*)' '$1\\t$2'\n"
    "end\n"
    "function __weft_wants_verb\n"
    "    set -l words (commandline -opc)[2..]\n"
    "    test (count $words) -eq 0; and return\n"
    "    test (count $words) -eq 1; and count (__weft_verbs $words) >/dev/null\n"
    "end\n"
    "function __weft_words\n"
    "    set -l words (commandline -opc)[2..]\n"
    "    if __weft_wants_verb\n"
    "        __weft_verbs $words\n"
    "        return\n"
    "    end\n"
    "    count (__weft_verbs $words[1]) >/dev/null; or set words $words[1]\n"
    "    weft $words[1..2] --help 2>/dev/null |\n"
    "        string replace -rf '^ +(-., )?(--[a-z][a-z-]*).*' '$2'\n"
    "end\n"
    "complete -c weft -n __weft_wants_verb -f\n"
    "complete -c weft -a '(__weft_words)'\n";

static int tell(const char *shell, const char *script, int argc, char **argv)
{
    bool asks = argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
    if (argc > 0 && !asks) {
        command_complain("completion", "\"%.60s\" is not expected here", argv[0]);
        return COMMAND_USAGE;
    }
    if (asks)
        (void)printf("Usage: weft completion %s\n\nPrints a script, which asks weft itself for "
                     "verbs and flags. Its first lines say how it is loaded.\n",
                     shell);
    else
        (void)fputs(script, stdout);
    return command_end("completion", COMMAND_SUCCEEDED);
}

static int bash(int argc, char **argv)
{
    return tell("bash", bash_script, argc, argv);
}

static int zsh(int argc, char **argv)
{
    return tell("zsh", zsh_script, argc, argv);
}

static int fish(int argc, char **argv)
{
    return tell("fish", fish_script, argc, argv);
}

int completion_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"bash", bash, "source <(weft completion bash)"},
        {"zsh", zsh, "source <(weft completion zsh)"},
        {"fish", fish, "weft completion fish | source"},
    };
    static const struct command_verbs verbs = {"weft completion", items,
                                               sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
