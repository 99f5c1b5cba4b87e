// Dispatch by one table; every complaint says what to do.

#include "cli/command.h"

#include "cli/plain.h"
#include "lib/base/check.h"
#include "lib/base/nearest.h"

#include <errno.h>
#include <stdarg.h>

enum {
    VERBS_MAX = 32,
    SENTENCE_LEN_MAX = 8192,
};

void command_complain(const char *program, const char *format, ...)
{
    char sentence[SENTENCE_LEN_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); // cut, if it must be
    va_end(arguments);
    // Nothing can be told to a user whose terminal is gone.
    (void)fprintf(stderr, "weft %s: ", program);
    plain_put(stderr, slice_of_text(sentence));
    (void)fputc('\n', stderr);
}

void command_list(const struct command_verbs *verbs, FILE *out)
{
    for (uint32_t i = 0; i < verbs->count; i++)
        (void)fprintf(out, "  %-12s %s\n", verbs->items[i].name, verbs->items[i].about);
}

static const struct command_verb *find(const struct command_verbs *verbs, const char *name)
{
    for (uint32_t i = 0; i < verbs->count; i++) {
        if (strcmp(verbs->items[i].name, name) == 0)
            return &verbs->items[i];
    }
    return NULL;
}

// What users of other job systems type, and what it is called here.
static const struct {
    const char *said;
    const char *meant;
} OTHER_WORDS[] = {
    {"weft submit", "weft push"},         {"weft enqueue", "weft push"},
    {"weft start", "weft dev"},           {"weft server", "weft dev"},
    {"weft cron", "weft schedule"},       {"weft list", "weft jobs list"},
    {"weft ls", "weft jobs list"},        {"weft job list", "weft jobs list"},
    {"weft job ls", "weft jobs list"},    {"weft status", "weft job show"},
    {"weft show", "weft job show"},       {"weft jobs show", "weft job show"},
    {"weft cancel", "weft job cancel"},   {"weft retry", "weft job retry"},
    {"weft log", "weft job log"},         {"weft logs", "weft job log"},
    {"weft events", "weft tail"},         {"weft run-now", "weft job run-now"},
    {"weft job run", "weft job run-now"},
};

// NULL when the words are no other name of anything.
static const char *meant_by(const char *program, const char *name)
{
    char said[64];
    (void)snprintf(said, sizeof said, "%s %s", program, name);
    for (size_t i = 0; i < sizeof OTHER_WORDS / sizeof *OTHER_WORDS; i++) {
        if (strcmp(OTHER_WORDS[i].said, said) == 0)
            return OTHER_WORDS[i].meant;
    }
    return NULL;
}

static int refuse(const struct command_verbs *verbs, const char *name)
{
    const char *names[VERBS_MAX];
    CHECK(verbs->count <= VERBS_MAX);
    for (uint32_t i = 0; i < verbs->count; i++)
        names[i] = verbs->items[i].name;
    const char *near = nearest_of(slice_of_text(name), names, verbs->count);
    const char *meant = meant_by(verbs->program, name);
    (void)fprintf(stderr, "weft: there is no '%s %.60s'", verbs->program, name);
    if (meant != NULL)
        (void)fprintf(stderr, "; did you mean '%s'?\n", meant);
    else if (near != NULL)
        (void)fprintf(stderr, "; did you mean '%s %s'?\n", verbs->program, near);
    else
        (void)fprintf(stderr, "; see '%s --help'\n", verbs->program);
    return COMMAND_USAGE;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_dispatch(const struct command_verbs *verbs, int argc, char **argv)
{
    if (argc > 0 && is_help(argv[0])) {
        (void)printf("Usage: %s VERB [flags]\n\n", verbs->program);
        command_list(verbs, stdout);
        (void)printf("\n'%s VERB --help' tells the flags of each.\n", verbs->program);
        return COMMAND_SUCCEEDED;
    }
    if (argc == 0) {
        (void)fprintf(stderr, "Usage: %s VERB [flags]\n\n", verbs->program);
        command_list(verbs, stderr);
        return COMMAND_USAGE;
    }
    const struct command_verb *verb = find(verbs, argv[0]);
    return verb != NULL ? verb->run(argc - 1, argv + 1) : refuse(verbs, argv[0]);
}

bool command_begin(struct config *config, const struct config_table *table, int argc, char **argv,
                   int *out_code)
{
    err e = config_read(config, table, argc, argv);
    if (e == OK && !config->help_asked)
        return true;
    if (e == OK) {
        config_help(table, stdout);
        *out_code = COMMAND_SUCCEEDED;
        return false;
    }
    command_complain(table->program, "%s", config->problem);
    *out_code = COMMAND_USAGE;
    return false;
}

bool command_read_id(const struct config *config, struct id *out_id)
{
    const char *text = config->arguments[0];
    if (id_from_text(slice_of_text(text), out_id) == OK)
        return true;
    command_complain(config->table->program,
                     "\"%.80s\" is not an id (like 01890a5d-ac96-774b-bcce-b302099a8057)", text);
    return false;
}

bool command_wants_json(const struct config *config)
{
    return strcmp(config_text(config, "output"), "json") == 0;
}

bool command_wants_header(const struct config *config)
{
    return !command_wants_json(config) && !config_is_on(config, "no-header");
}

int command_end(const char *program, int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    command_complain(program, "the output could not be written: %s", strerror(errno));
    return code == COMMAND_SUCCEEDED ? COMMAND_UNKNOWN : code;
}
