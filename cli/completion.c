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
    "    completion) echo bash; echo zsh; return ;;\n"                                             \
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

static int bash(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)fputs(bash_script, stdout);
    return command_end("completion", COMMAND_SUCCEEDED);
}

static int zsh(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)fputs(zsh_script, stdout);
    return command_end("completion", COMMAND_SUCCEEDED);
}

int completion_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"bash", bash, "source <(weft completion bash)"},
        {"zsh", zsh, "source <(weft completion zsh)"},
    };
    static const struct command_verbs verbs = {"weft completion", items, 2};
    return command_dispatch(&verbs, argc, argv);
}
