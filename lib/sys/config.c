// Reads flags, variables and the file, in this order; what is set is not set again.

#include "lib/sys/config.h"

#include "lib/sys/config_value.h"
#include "lib/sys/file.h"

#include <czmq.h>
#include <errno.h>

enum { FILE_BYTES_MAX = 64 * 1024, VARIABLE_LEN_MAX = 80 };

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

static uint32_t smallest(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

// How many letters must be changed, added or left out to make one name from the other.
static uint32_t distance(const char *a, const char *b)
{
    enum { LEN_MAX = 40 };
    uint32_t row[LEN_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > LEN_MAX || b_len > LEN_MAX)
        return UINT32_MAX;
    for (uint32_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a_len; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b_len; j++) {
            uint32_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, changed);
        }
    }
    return row[b_len];
}

struct candidate {
    const char *key;
    uint32_t distance;
};

static void consider(struct candidate *best, const char *name, const char *key)
{
    uint32_t d = distance(name, key);
    if (d < best->distance)
        *best = (struct candidate){.key = key, .distance = d};
}

// Tells the key whose name is nearest to `name`, if one is near. `dashes` is empty in the file, where
// --config and --help mean nothing.
static err refuse_name(struct config *config, const char *dashes, const char *name)
{
    const struct config_table *table = config->table;
    const char *kind = *dashes ? "flag" : "key";
    struct candidate best = {.distance = (uint32_t)strlen(name) / 3 + 2};
    for (uint32_t i = 0; i < table->key_count; i++)
        consider(&best, name, table->keys[i].key);
    if (*dashes) {
        consider(&best, name, file_key.key);
        consider(&best, name, help_key.key);
    }
    if (best.key == NULL)
        return refuse(config, "there is no %s %s%s; see weft %s --help", kind, dashes, name,
                      table->program);
    return refuse(config, "there is no %s %s%s; did you mean %s%s?", kind, dashes, name, dashes,
                  best.key);
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

static err take_value(struct config *config, struct flags *flags, int place, const char *equals)
{
    const struct config_key *key = &config->table->keys[place];
    const char *text = "true";
    if (key->type != CONFIG_BOOL || equals != NULL)
        text = value_of(flags, equals);
    if (text == NULL)
        return refuse(config, "--%s needs a value", key->key);
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
        if (place >= 0 && config->table->keys[place].type == CONFIG_BOOL) {
            set(config, place, "false", CONFIG_FLAG);
            return OK;
        }
    }
    char shown[64];
    (void)slice_to_text(bare, shown, sizeof shown);
    return refuse_name(config, "--", shown);
}

static err take_short(struct config *config, struct flags *flags, const char *word)
{
    int place = find_letter(config->table, word[1]);
    if (place < 0 && strcmp(word, "-h") == 0) {
        config->help_asked = true;
        return OK;
    }
    if (place < 0)
        return refuse(config, "there is no flag %s; see weft %s --help", word,
                      config->table->program);
    if (word[2] == '\0')
        return take_value(config, flags, place, NULL);
    if (config->table->keys[place].type == CONFIG_BOOL)
        return refuse(config, "-%c takes no value", word[1]);
    set(config, place, word[2] == '=' ? word + 3 : word + 2, CONFIG_FLAG);
    return OK;
}

static err take_word(struct config *config, struct flags *flags)
{
    const char *word = flags->argv[flags->at];
    if (strncmp(word, "--", 2) == 0)
        return take_long(config, flags, word + 2);
    if (word[0] == '-' && word[1] != '\0')
        return take_short(config, flags, word);
    if (config->argument_count == CONFIG_ARGUMENTS_MAX)
        return refuse(config, "more than %d arguments", CONFIG_ARGUMENTS_MAX);
    config->arguments[config->argument_count++] = word;
    return OK;
}

static err read_flags(struct config *config, struct flags *flags)
{
    for (; flags->at < flags->argc; flags->at++) {
        if (strcmp(flags->argv[flags->at], "--") == 0) {
            config->rest = flags->argv + flags->at + 1;
            config->rest_count = (uint32_t)(flags->argc - flags->at - 1);
            break;
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

// --- the file ---

static bool is_section(zconfig_t *item)
{
    const char *text = zconfig_value(item);
    return zconfig_child(item) != NULL || text == NULL || *text == '\0';
}

static err take_item(struct config *config, zconfig_t *item)
{
    int place = find(config->table, slice_of_text(zconfig_name(item)));
    if (place < 0)
        return refuse_name(config, "", zconfig_name(item));
    set(config, place, zconfig_value(item), CONFIG_FILE);
    return OK;
}

static err take_items(struct config *config, zconfig_t *parent, bool is_top)
{
    for (zconfig_t *item = zconfig_child(parent); item != NULL; item = zconfig_next(item)) {
        if (is_top && is_section(item))
            continue;
        err result = take_item(config, item);
        if (result != OK)
            return result;
    }
    return OK;
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
    zconfig_t *root = config->file;
    for (zconfig_t *item = zconfig_child(root); item != NULL; item = zconfig_next(item)) {
        if (!is_section(item) || strcmp(zconfig_name(item), config->table->program) != 0)
            continue;
        result = take_items(config, item, false);
        if (result != OK)
            return result;
    }
    return take_items(config, root, true);
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
    if (config->argument_count < table->argument_count_min)
        return refuse(config, "something is missing: %s", table->usage);
    if (config->argument_count > table->argument_count_max)
        return refuse(config, "\"%.80s\" is not expected here: %s",
                      config->arguments[table->argument_count_max], table->usage);
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
    (void)snprintf(flag, sizeof flag, "%4s--%s%s%s", letter, key->key, *shape ? " " : "", shape);
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
