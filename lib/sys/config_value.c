// Texts to numbers, strictly: a unit is never guessed.

#include "lib/sys/config_value.h"

#include <errno.h>
#include <inttypes.h>

struct unit {
    const char *name;
    int64_t size;
};

static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit byte_units[] = {{"", 1},          {"B", 1},
                                         {"KiB", 1 << 10}, {"MiB", 1 << 20},
                                         {"GiB", 1 << 30}, {"TiB", INT64_C(1) << 40},
                                         {NULL, 0}};

static bool has_range(const struct config_key *key)
{
    return key->min != 0 || key->max != 0;
}

// The largest unit that divides the number, so that a range reads as one would type it.
static void print_number(const struct config_key *key, int64_t number, char *out, size_t cap)
{
    const struct unit *units = NULL;
    if (key->type == CONFIG_DURATION)
        units = duration_units;
    if (key->type == CONFIG_BYTES)
        units = byte_units;
    const struct unit *best = units;
    for (const struct unit *unit = units; unit != NULL && unit->name != NULL; unit++) {
        if (number != 0 && number % unit->size == 0)
            best = unit;
    }
    int64_t size = best != NULL ? best->size : 1;
    (void)snprintf(out, cap, "%" PRId64 "%s", number / size, best != NULL ? best->name : "");
}

void config_value_range(const struct config_key *key, char *out, size_t cap)
{
    char min[32];
    char max[32];
    out[0] = '\0';
    if (!has_range(key))
        return;
    print_number(key, key->min, min, sizeof min);
    print_number(key, key->max, max, sizeof max);
    if (key->max == INT64_MAX)
        (void)snprintf(out, cap, "at least %s", min);
    else
        (void)snprintf(out, cap, "%s to %s", min, max);
}

const char *config_value_shape(const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_STRING: return "TEXT";
    case CONFIG_ENDPOINT: return "ENDPOINT";
    case CONFIG_INTEGER: return "N";
    case CONFIG_DURATION: return "DURATION";
    case CONFIG_BYTES: return "BYTES";
    case CONFIG_BOOL: return "";
    case CONFIG_WORD: return key->words;
    }
    UNREACHABLE();
}

static bool digits_at(const char *text, const char **out_rest, int64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || text[0] == ' ' || text[0] == '+')
        return false;
    *out_rest = end;
    *out_number = number;
    return true;
}

static bool parse_with_unit(const char *text, const struct unit *units, int64_t *out_number)
{
    const char *rest = NULL;
    int64_t number = 0;
    if (!digits_at(text, &rest, &number))
        return false;
    if (number == 0 && *rest == '\0') {
        *out_number = 0;
        return true;
    }
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (strcmp(rest, unit->name) == 0)
            return !__builtin_mul_overflow(number, unit->size, out_number);
    }
    return false;
}

static bool parse_integer(const char *text, int64_t *out_number)
{
    const char *rest = NULL;
    return digits_at(text, &rest, out_number) && *rest == '\0';
}

// [SCHEME://]HOST:PORT with a port up to 65535; or ipc://PATH.
static bool is_endpoint(const char *text)
{
    const char *scheme_end = strstr(text, "://");
    if (strncmp(text, "ipc://", 6) == 0)
        return text[6] != '\0';
    if (scheme_end != NULL && strncmp(text, "tcp://", 6) != 0)
        return false;
    const char *host = scheme_end != NULL ? scheme_end + 3 : text;
    const char *colon = strrchr(host, ':');
    int64_t port = -1;
    if (colon == NULL || colon == host || strpbrk(host, " \t/") != NULL)
        return false;
    return colon[1] != '-' && parse_integer(colon + 1, &port) && port <= UINT16_MAX;
}

static bool parse_bool(const char *text, int64_t *out_number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out_number = (int64_t)(i % 2);
            return true;
        }
    }
    return false;
}

// The place of `text` in a list like "text|json".
static bool parse_word(const char *words, const char *text, int64_t *out_number)
{
    size_t len = strlen(text);
    int64_t place = 0;
    for (const char *word = words; word != NULL; place++) {
        const char *bar = strchr(word, '|');
        size_t word_len = bar != NULL ? (size_t)(bar - word) : strlen(word);
        if (len > 0 && word_len == len && memcmp(word, text, len) == 0) {
            *out_number = place;
            return true;
        }
        word = bar != NULL ? bar + 1 : NULL;
    }
    return false;
}

static bool parse_any(const struct config_key *key, const char *text, int64_t *out_number)
{
    *out_number = 0;
    switch (key->type) {
    case CONFIG_STRING: return true;
    case CONFIG_ENDPOINT: return is_endpoint(text);
    case CONFIG_INTEGER: return parse_integer(text, out_number);
    case CONFIG_DURATION: return parse_with_unit(text, duration_units, out_number);
    case CONFIG_BYTES: return parse_with_unit(text, byte_units, out_number);
    case CONFIG_BOOL: return parse_bool(text, out_number);
    case CONFIG_WORD: return parse_word(key->words, text, out_number);
    }
    UNREACHABLE();
}

static const char *complaint(enum config_type type)
{
    switch (type) {
    case CONFIG_STRING: break; // anything is one
    case CONFIG_ENDPOINT: return "is not an endpoint (like tcp://127.0.0.1:7400 or 127.0.0.1:7410)";
    case CONFIG_INTEGER: return "is not a whole number";
    case CONFIG_DURATION: return "is not a duration (like 250ms, 30s, 5m, 2h, 7d)";
    case CONFIG_BYTES: return "is not a number of bytes (like 512, 64KiB, 8MiB, 2GiB)";
    case CONFIG_BOOL: return "is neither true nor false";
    case CONFIG_WORD: return "is not one of";
    }
    UNREACHABLE();
}

static bool is_number(enum config_type type)
{
    return type == CONFIG_INTEGER || type == CONFIG_DURATION || type == CONFIG_BYTES;
}

err config_value_parse(const struct config_key *key, const char *text, int64_t *out_number,
                       char *problem, size_t cap)
{
    int64_t number = 0;
    if (!parse_any(key, text, &number)) {
        (void)snprintf(problem, cap, "%s%s%s", complaint(key->type),
                       key->type == CONFIG_WORD ? " " : "",
                       key->type == CONFIG_WORD ? key->words : "");
        return ERR_BAD_FIELD;
    }
    int64_t max = has_range(key) ? key->max : INT64_MAX;
    if (is_number(key->type) && (number < key->min || number > max)) {
        char range[80];
        config_value_range(key, range, sizeof range);
        (void)snprintf(problem, cap, "is out of range (%s)", *range ? range : "not below 0");
        return ERR_BAD_FIELD;
    }
    *out_number = number;
    return OK;
}
