// Defaults of types from the command line: one question each.

#include "cli/type.h"

#include "cli/ask.h"
#include "cli/course.h"
#include "cli/named.h"
#include "cli/queue_view.h"

#include <errno.h>

static const struct config_key set_keys[] = {
    COURSE_KEYS,
    {.key = "schema",
     .type = CONFIG_STRING,
     .help = "a file: JSON Schema that payloads have to keep to"},
    {.key = "unset",
     .type = CONFIG_STRING,
     .help = "settings to take away, like timeout,schema; or all"},
    COMMAND_KEY_BROKER,
    COMMAND_KEY_GIVE_UP,
    COMMAND_KEY_OUTPUT,
};
static const struct config_key list_keys[] = {COMMAND_LIST_KEYS};
static const struct config_key plain_keys[] = {COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP,
                                               COMMAND_KEY_OUTPUT};

#define TABLE(verb, what, rows, arguments, sentence)                                               \
    {                                                                                              \
        .program = "type " verb, .usage = "weft type " verb what " [flags]",                       \
        .about = sentence "\nExit codes: 0 done, 1 refused, 4 no such type or no answer, 64 "      \
                          "usage.",                                                                \
        .keys = (rows), .key_count = sizeof(rows) / sizeof *(rows),                                \
        .argument_count_min = (arguments), .argument_count_max = (arguments),                      \
    }

const struct config_table type_set_table =
    TABLE("set", " TYPE", set_keys, 1,
          "Changes what is named of the defaults of a type, and its schema; the others stay. "
          "--unset takes some\naway. They are for jobs that do not say, in every queue.");
const struct config_table type_show_table =
    TABLE("show", " TYPE", plain_keys, 1, "Shows what is set for a type.");
const struct config_table type_list_table =
    TABLE("list", "", list_keys, 0,
          "Lists the types for which something was set. With -o json one object "
          "for each page of 256.");

static struct view view_of(const struct config *config)
{
    return (struct view){.out = stdout, .wants_json = command_wants_json(config)};
}

static int told(struct ask *ask, const struct config *config, const struct msg_type *type)
{
    struct view view = view_of(config);
    if (type == NULL)
        return ask->code;
    queue_view_type(&view, type);
    return COMMAND_SUCCEEDED;
}

// False after a complaint. A byte more than may be shows that there are more.
static bool read_schema(const char *name, uint8_t *room, struct body *schema)
{
    FILE *file = fopen(name, "re");
    size_t len = file != NULL ? fread(room, 1, MSG_SCHEMA_LEN_MAX + 1, file) : 0;
    bool is_read = file != NULL && ferror(file) == 0;
    if (!is_read)
        command_complain("type set", "%s cannot be read: %s", name, strerror(errno));
    else if (len == 0 || len > MSG_SCHEMA_LEN_MAX)
        command_complain("type set", "%s: a schema has 1 byte to 64 KiB", name);
    if (file != NULL)
        (void)fclose(file); // only read
    *schema = (struct body){.content = CONTENT_JSON, .bytes = slice_of(room, len)};
    return is_read && len > 0 && len <= MSG_SCHEMA_LEN_MAX;
}

static const struct named_setting settings[] = {
    NAMED_DEFAULTS,
    {"schema", 1u << TYPE_SCHEMA},
};
static const struct named_settings all_settings = {
    .program = "type set",
    .hint = "--timeout 10s, or --unset schema",
    .items = settings,
    .count = sizeof settings / sizeof settings[0],
    .all = TYPE_SETTINGS_ALL,
};

static int set(struct ask *ask, const struct config *config)
{
    static uint8_t room[MSG_SCHEMA_LEN_MAX + 1];
    struct msg_type_set question = {.type = slice_of_text(config->arguments[0]),
                                    .defaults = course_given(config),
                                    .named = named_read(config, &all_settings)};
    const char *name = config_text(config, "schema");
    if (question.named == 0 || (name != NULL && !read_schema(name, room, &question.schema)))
        return COMMAND_USAGE;
    return told(ask, config, ask_type_set(ask, &question));
}

static int show(struct ask *ask, const struct config *config)
{
    return told(ask, config, ask_type(ask, slice_of_text(config->arguments[0])));
}

static int list(struct ask *ask, const struct config *config)
{
    struct view view = view_of(config);
    uint8_t last[MSG_NAME_LEN_MAX];
    struct slice after = {0};
    bool needs_header = command_wants_header(config);
    for (;;) {
        const struct msg_type_status_is *is = ask_types(ask, after);
        if (is == NULL)
            return ask->code;
        if (needs_header)
            queue_view_head_of_types(&view);
        needs_header = false;
        queue_view_types(&view, is);
        if (!is->is_more || is->count == 0)
            return COMMAND_SUCCEEDED;
        struct slice name = is->types[is->count - 1].type;
        memcpy(last, name.data, name.len); // the answer goes with the next question
        after = slice_of(last, name.len);
    }
}

typedef int with_broker(struct ask *ask, const struct config *config);

static int run_with(const struct config_table *table, with_broker *run, int argc, char **argv)
{
    struct config config;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code)) {
        if (!check_name(slice_of_text(config.arguments[0])))
            command_complain(table->program, "a TYPE has 1 to 128 of a-z 0-9 . _ -");
        else
            code = ask_open(&ask, &config) ? run(&ask, &config) : ask.code;
    }
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

static int set_main(int argc, char **argv)
{
    return run_with(&type_set_table, set, argc, argv);
}

static int show_main(int argc, char **argv)
{
    return run_with(&type_show_table, show, argc, argv);
}

static int list_main(int argc, char **argv)
{
    return ask_run(&type_list_table, argc, argv, list);
}

int type_main(int argc, char **argv)
{
    static const struct command_verb items[] = {
        {"list", list_main, "all for which something was set"},
        {"show", show_main, "what is set for one"},
        {"set", set_main, "sets the defaults of one"},
    };
    static const struct command_verbs verbs = {"weft type", items, sizeof items / sizeof items[0]};
    return command_dispatch(&verbs, argc, argv);
}
