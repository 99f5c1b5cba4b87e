// Reads flags, variables and the file, in this order; what is set is not set again.

#include "lib/sys/config.h"

#include "lib/base/check.h"
#include "lib/base/nearest.h"
#include "lib/sys/config_value.h"
#include "lib/sys/file.h"

#include <czmq.h>
#include <errno.h>

enum { FILE_BYTES_MAX = 64 * 1024, VARIABLE_LEN_MAX = 80, VERB_LEN_MAX = 32 };

// These are part of every table.
static const struct config_key file_key = {
    .key = "config", .type = CONFIG_STRING, .help = "file with settings (ZPL)"};
static const struct config_key help_key = {
    .key = "help", .type = CONFIG_BOOL, .help = "this text", .letter = 'h'};

__attribute__((format(printf, 2, 3))) static err refuse(struct config *config, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(config->problem, sizeof config->problem, format, arguments);
    va_end(arguments);
    return ERR_BAD_FIELD;
}

// --- names ---

// The key whose name is nearest; NULL when none is near.
static const char *nearest_key(const struct config_table *table, const char *name)
{
    const char *keys[CONFIG_KEYS_MAX];
    CHECK(table->key_count <= CONFIG_KEYS_MAX);
    for (uint32_t i = 0; i < table->key_count; i++)
        keys[i] = table->keys[i].key;
    return nearest_of(slice_of_text(name), keys, table->key_count);
}

static err refuse_flag(struct config *config, const char *name)
{
    const char *names[] = {file_key.key, help_key.key, nearest_key(config->table, name)};
    uint32_t count = names[2] != NULL ? 3 : 2;
    const char *near = nearest_of(slice_of_text(name), names, count);
    if (near == NULL)
        return refuse(config, "there is no flag --%s; see weft %s --help", name,
                      config->table->program);
    return refuse(config, "there is no flag --%s; did you mean --%s?", name, near);
}

static int find(const struct config_table *table, struct slice name)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (slice_is_text(name, table->keys[i].key))
            return (int)i;
    }
    return -1;
}

static int find_letter(const struct config_table *table, char letter)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->keys[i].letter == letter)
            return (int)i;
    }
    return -1;
}

// --- flags ---

struct flags {
    char *const *argv;
    int argc;
    int at;
    const char *file; // --config
};

static void set(struct config *config, int place, const char *text, enum config_source source)
{
    struct config_value *value = &config->values[place];
    if (value->source == CONFIG_UNSET || source == CONFIG_FLAG)
        *value = (struct config_value){.text = text, .source = source};
}

// The text after '=', or the next word.
static const char *value_of(struct flags *flags, const char *equals)
{
    if (equals != NULL)
        return equals + 1;
    if (flags->at + 1 >= flags->argc)
        return NULL;
    flags->at++;
    return flags->argv[flags->at];
}

static bool has_value(const struct config_key *key, const struct flags *flags)
{
    int64_t number;
    char why[160];
    return flags->at + 1 < flags->argc &&
           config_value_parse(key, flags->argv[flags->at + 1], &number, why, sizeof why) == OK;
}

static err take_value(struct config *config, struct flags *flags, int place, const char *equals)
{
    const struct config_key *key = &config->table->keys[place];
    const char *text = key->type == CONFIG_BOOL ? "true" : key->alone;
    if (equals != NULL || text == NULL || (key->alone != NULL && has_value(key, flags)))
        text = value_of(flags, equals);
    if (text == NULL)
        return refuse(config, "--%s needs a value", key->key);
    if (key->is_many && config->each_count == CONFIG_EACH_MAX)
        return refuse(config, "--%s is given too often", key->key);
    if (key->is_many) {
        config->each[config->each_count] = text;
        config->each_of[config->each_count++] = (uint32_t)place;
    }
    set(config, place, text, CONFIG_FLAG);
    return OK;
}

static err take_long(struct config *config, struct flags *flags, const char *name)
{
    const char *equals = strchr(name, '=');
    struct slice bare = slice_of(name, equals != NULL ? (size_t)(equals - name) : strlen(name));
    int place = find(config->table, bare);
    if (place >= 0)
        return take_value(config, flags, place, equals);
    if (slice_is_text(bare, file_key.key)) {
        flags->file = value_of(flags, equals);
        return flags->file != NULL ? OK : refuse(config, "--config needs the name of a file");
    }
    if (slice_is_text(bare, help_key.key)) {
        config->help_asked = true;
        return OK;
    }
    if (equals == NULL && strncmp(name, "no-", 3) == 0) {
        place = find(config->table, slice_of_text(name + 3));
        if (place >= 0 && config->table->keys[place].type != CONFIG_BOOL)
            return refuse(config, "there is no flag --%s; --%s has a value, it is not on or off",
                          name, name + 3);
        if (place >= 0) {
            set(config, place, "false", CONFIG_FLAG);
            return OK;
        }
    }
    char shown[64];
    (void)slice_to_text(bare, shown, sizeof shown);
    return refuse_flag(config, shown);
}

static err take_short(struct config *config, struct flags *flags, const char *word)
{
    int place = find_letter(config->table, word[1]);
    if (place < 0 && strcmp(word, "-h") == 0) {
        config->help_asked = true;
        return OK;
    }
    if (place < 0)
        return refuse(config, "there is no flag %s; see weft %s --help%s", word,
                      config->table->program,
                      config->table->argument_count_max > 0 && !config->table->takes_program
                          ? " (an argument that begins with a dash goes behind --)"
                          : "");
    if (word[2] == '\0')
        return take_value(config, flags, place, NULL);
    if (config->table->keys[place].type == CONFIG_BOOL)
        return refuse(config, "-%c takes no value", word[1]);
    set(config, place, word[2] == '=' ? word + 3 : word + 2, CONFIG_FLAG);
    return OK;
}

static err take_argument(struct config *config, const char *word)
{
    if (config->argument_count == CONFIG_ARGUMENTS_MAX)
        return refuse(config, "more than %d arguments", CONFIG_ARGUMENTS_MAX);
    config->arguments[config->argument_count++] = word;
    return OK;
}

// May it be one although it begins with a dash? A flag's whole name comes first.
static bool is_argument(const struct config_table *table, const char *word)
{
    if (table->is_argument == NULL || !table->is_argument(slice_of_text(word)))
        return false;
    struct slice name = slice_of(word + 1, strcspn(word, "=") - 1);
    if (name.len == 0 || name.data[0] != '-')
        return true;
    name = slice_of(name.data + 1, name.len - 1);
    return find(table, name) < 0 && !slice_is_text(name, file_key.key);
}

static err take_word(struct config *config, struct flags *flags)
{
    const char *word = flags->argv[flags->at];
    if (word[0] != '-' || word[1] == '\0' || is_argument(config->table, word))
        return take_argument(config, word);
    return word[1] == '-' ? take_long(config, flags, word + 2) : take_short(config, flags, word);
}

// POSIX, Utility Syntax Guideline 10: what follows "--" is no flag.
static err take_rest(struct config *config, struct flags *flags)
{
    if (config->table->takes_program) {
        config->rest = flags->argv + flags->at;
        config->rest_count = (uint32_t)(flags->argc - flags->at);
        return OK;
    }
    err result = OK;
    for (; flags->at < flags->argc && result == OK; flags->at++)
        result = take_argument(config, flags->argv[flags->at]);
    return result;
}

static err read_flags(struct config *config, struct flags *flags)
{
    for (; flags->at < flags->argc; flags->at++) {
        if (strcmp(flags->argv[flags->at], "--") == 0) {
            flags->at++;
            return take_rest(config, flags);
        }
        err result = take_word(config, flags);
        if (result != OK)
            return result;
    }
    return OK;
}

// --- variables ---

static void variable_of(const struct config_key *key, char out[VARIABLE_LEN_MAX])
{
    (void)snprintf(out, VARIABLE_LEN_MAX, "WEFT_%s", key->key);
    for (char *letter = out; *letter != '\0'; letter++) {
        if (*letter == '-')
            *letter = '_';
        else if (*letter >= 'a' && *letter <= 'z')
            *letter = (char)(*letter - 'a' + 'A');
    }
}

// The variable's text; an empty one counts as not given.
static const char *variable_text(const struct config_key *key)
{
    char name[VARIABLE_LEN_MAX];
    variable_of(key, name);
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : NULL;
}

static void read_variables(struct config *config)
{
    for (uint32_t i = 0; i < config->table->key_count; i++) {
        const char *text = variable_text(&config->table->keys[i]);
        if (text != NULL)
            set(config, (int)i, text, CONFIG_VARIABLE);
    }
}

// --- what other programs know ---

static struct {
    const struct config_table *const *tables;
    uint32_t count;
} known;

void config_know(const struct config_table *const *tables, uint32_t count)
{
    CHECK(count <= CONFIG_TABLES_MAX);
    known.tables = tables;
    known.count = count;
}

// The one being read, then all; NULL at the end.
static const struct config_table *table_at(const struct config *config, uint32_t i)
{
    if (i == 0)
        return config->table;
    return i <= known.count ? known.tables[i - 1] : NULL;
}

static struct slice section_of(const struct config_table *table)
{
    return slice_of(table->program, strcspn(table->program, " "));
}

static bool is_in(const struct config_table *table, const char *section)
{
    return section == NULL || slice_is_text(section_of(table), section);
}

// Does any program that reads this section know the key? NULL: the top level, which all read.
static bool is_known(const struct config *config, const char *section, const char *key)
{
    const struct config_table *table = NULL;
    for (uint32_t i = 0; (table = table_at(config, i)) != NULL; i++) {
        if (is_in(table, section) && find(table, slice_of_text(key)) >= 0)
            return true;
    }
    return false;
}

static err refuse_key(struct config *config, const char *section, const char *name)
{
    const char *names[CONFIG_TABLES_MAX + 1];
    uint32_t count = 0;
    const struct config_table *table = NULL;
    for (uint32_t i = 0; (table = table_at(config, i)) != NULL; i++) {
        const char *near = is_in(table, section) ? nearest_key(table, name) : NULL;
        if (near != NULL)
            names[count++] = near;
    }
    if (count == 0)
        return refuse(config, "there is no key %s; see weft %s --help", name,
                      section != NULL ? config->table->program : "VERB");
    return refuse(config, "there is no key %s; did you mean %s?", name,
                  nearest_of(slice_of_text(name), names, count));
}

static err judge_section(struct config *config, const char *name)
{
    char verbs[CONFIG_TABLES_MAX + 1][VERB_LEN_MAX];
    const char *names[CONFIG_TABLES_MAX + 1];
    const struct config_table *table = NULL;
    uint32_t count = 0;
    for (; (table = table_at(config, count)) != NULL; count++) {
        if (is_in(table, name))
            return OK;
        bool fits = slice_to_text(section_of(table), verbs[count], VERB_LEN_MAX);
        CHECK(fits);
        names[count] = verbs[count];
    }
    const char *near = nearest_of(slice_of_text(name), names, count);
    if (near == NULL)
        return refuse(config, "the file has a section %s, and there is no such verb; see weft help",
                      name);
    return refuse(config, "the file has a section %s, and there is no such verb; did you mean %s?",
                  name, near);
}

// --- the file ---

static bool is_section(zconfig_t *item)
{
    const char *text = zconfig_value(item);
    return zconfig_child(item) != NULL || text == NULL || *text == '\0';
}

// Of two lines only one would count, and the other be passed over.
static err judge_once(struct config *config, zconfig_t *first, zconfig_t *item)
{
    for (zconfig_t *other = first; other != item; other = zconfig_next(other)) {
        if (strcmp(zconfig_name(other), zconfig_name(item)) == 0)
            return refuse(config, "%s stands twice in one place of the file; keep one",
                          zconfig_name(item));
    }
    return OK;
}

// `section`: NULL at the top level.
static err take_item(struct config *config, const char *section, zconfig_t *item)
{
    const char *name = zconfig_name(item);
    int place = find(config->table, slice_of_text(name));
    if (place >= 0)
        set(config, place, zconfig_value(item), CONFIG_FILE);
    else if (!is_known(config, section, name))
        return refuse_key(config, section, name);
    return OK;
}

static err take_section(struct config *config, zconfig_t *section)
{
    const char *name = zconfig_name(section);
    if (zconfig_child(section) == NULL && is_known(config, NULL, name))
        return OK; // a key without a value counts as not given
    err result = judge_section(config, name);
    if (!is_in(config->table, name))
        return result;
    zconfig_t *first = zconfig_child(section);
    for (zconfig_t *item = first; result == OK && item != NULL; item = zconfig_next(item)) {
        result = judge_once(config, first, item);
        if (result == OK)
            result = take_item(config, name, item);
    }
    return result;
}

static err read_text(struct config *config, const char *path, char *text)
{
    size_t len = 0;
    err result = file_read(path, text, FILE_BYTES_MAX, &len);
    if (result == ERR_TOO_LARGE)
        return refuse(config, "%s is longer than %d bytes", path, FILE_BYTES_MAX);
    if (result != OK)
        return refuse(config, "%s cannot be read: %s", path, strerror(errno));
    text[len] = '\0';
    if (strlen(text) != len)
        return refuse(config, "%s is not a text file", path);
    return OK;
}

static err parse_file(struct config *config, const char *path)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL)
        return refuse(config, "out of memory");
    err result = read_text(config, path, text);
    if (result == OK) {
        config->file = zconfig_str_load(text);
        if (config->file == NULL)
            result = refuse(config, "%s is not a settings file (name = value, in ZPL)", path);
    }
    free(text);
    return result;
}

static err read_file(struct config *config, const char *path)
{
    err result = parse_file(config, path);
    if (result != OK)
        return result;
    zconfig_t *first = zconfig_child(config->file);
    for (zconfig_t *item = first; result == OK && item != NULL; item = zconfig_next(item)) {
        result = judge_once(config, first, item);
        if (result == OK && is_section(item))
            result = take_section(config, item);
    }
    for (zconfig_t *item = first; result == OK && item != NULL; item = zconfig_next(item)) {
        if (!is_section(item))
            result = take_item(config, NULL, item);
    }
    return result;
}

// --- all together ---

static const char *source_name(enum config_source source)
{
    switch (source) {
    case CONFIG_UNSET:
    case CONFIG_DEFAULT: return "the default of ";
    case CONFIG_FILE: return "in the file, ";
    case CONFIG_VARIABLE: return "from the environment, ";
    case CONFIG_FLAG: return "--";
    }
    UNREACHABLE();
}

static err judge(struct config *config, uint32_t place)
{
    const struct config_key *key = &config->table->keys[place];
    struct config_value *value = &config->values[place];
    char why[160];
    if (value->text == NULL && key->default_text != NULL)
        set(config, (int)place, key->default_text, CONFIG_DEFAULT);
    if (value->text == NULL) {
        char variable[VARIABLE_LEN_MAX];
        variable_of(key, variable);
        return key->required ? refuse(config, "--%s (or %s) must be given", key->key, variable)
                             : OK;
    }
    if (config_value_parse(key, value->text, &value->number, why, sizeof why) == OK)
        return OK;
    CHECK(value->source != CONFIG_DEFAULT);
    return refuse(config, "%s%s: \"%.80s\" %s", source_name(value->source), key->key, value->text,
                  why);
}

static err count_arguments(struct config *config)
{
    const struct config_table *table = config->table;
    int first_line = (int)strcspn(table->usage, "\n");
    if (config->argument_count < table->argument_count_min)
        return refuse(config, "something is missing: %.*s", first_line, table->usage);
    if (config->argument_count > table->argument_count_max)
        return refuse(config, "\"%.80s\" is not expected here: %.*s",
                      config->arguments[table->argument_count_max], first_line, table->usage);
    return OK;
}

err config_read(struct config *config, const struct config_table *table, int argc,
                char *const *argv)
{
    CHECK(table->key_count <= CONFIG_KEYS_MAX);
    struct flags flags = {.argv = argv, .argc = argc};
    *config = (struct config){.table = table};
    err result = read_flags(config, &flags);
    if (config->help_asked)
        return OK;
    if (result != OK)
        return result;
    read_variables(config);
    config->path = flags.file != NULL ? flags.file : variable_text(&file_key);
    if (config->path != NULL)
        result = read_file(config, config->path);
    for (uint32_t i = 0; result == OK && i < table->key_count; i++)
        result = judge(config, i);
    return result == OK ? count_arguments(config) : result;
}

void config_deinit(struct config *config)
{
    zconfig_t *file = config->file;
    zconfig_destroy(&file);
    config->file = NULL;
}

static const struct config_value *value_at(const struct config *config, const char *key)
{
    int place = find(config->table, slice_of_text(key));
    CHECK(place >= 0);
    return &config->values[place];
}

const char *config_text(const struct config *config, const char *key)
{
    return value_at(config, key)->text;
}

const char *config_each(const struct config *config, const char *key, uint32_t i)
{
    const struct config_value *value = value_at(config, key);
    uint32_t place = (uint32_t)(value - config->values);
    CHECK(config->table->keys[place].is_many);
    if (value->source != CONFIG_FLAG)
        return i == 0 ? value->text : NULL;
    for (uint32_t at = 0; at < config->each_count; at++)
        if (config->each_of[at] == place && i-- == 0)
            return config->each[at];
    return NULL;
}

int64_t config_number(const struct config *config, const char *key)
{
    return value_at(config, key)->number;
}

bool config_is_on(const struct config *config, const char *key)
{
    return value_at(config, key)->number != 0;
}

bool config_is_given(const struct config *config, const char *key)
{
    return value_at(config, key)->source >= CONFIG_FILE;
}

// --- help ---

static void help_line(const struct config_key *key, FILE *out)
{
    char flag[96];
    char range[80];
    char variable[VARIABLE_LEN_MAX];
    const char *shape = config_value_shape(key);
    char letter[8] = "";
    if (key->letter != '\0')
        (void)snprintf(letter, sizeof letter, "-%c, ", key->letter);
    (void)snprintf(flag, sizeof flag, key->alone != NULL ? "%4s--%s%s[%s]" : "%4s--%s%s%s", letter,
                   key->key, *shape ? " " : "", shape);
    config_value_range(key, range, sizeof range);
    variable_of(key, variable);
    (void)fprintf(out, "  %-30s %s", flag, key->help);
    if (key == &help_key) {
        (void)fprintf(out, "\n");
        return;
    }
    (void)fprintf(out, " (%s", variable);
    if (*range)
        (void)fprintf(out, "; %s", range);
    if (key->default_text != NULL)
        (void)fprintf(out, "; default %s", key->default_text);
    (void)fprintf(out, "%s)\n", key->required ? "; required" : "");
}

void config_help(const struct config_table *table, FILE *out)
{
    // The reader of the help may be gone; nothing depends on it.
    (void)fprintf(out, "Usage: %s\n\n%s\n\n", table->usage, table->about);
    for (uint32_t i = 0; i < table->key_count; i++)
        help_line(&table->keys[i], out);
    help_line(&file_key, out);
    help_line(&help_key, out);
    (void)fprintf(out, "\nFlags come before WEFT_* variables, these before the file.\n");
}

bool config_knows(const struct config *config, const char *key)
{
    return find(config->table, slice_of_text(key)) >= 0;
}
