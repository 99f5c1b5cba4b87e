// Keywords about a value itself: its type, what it equals, numbers and strings.

#include "lib/schema/schema_private.h"

#include "lib/schema/schema_equal.h"
#include "lib/schema/schema_number.h"
#include "lib/schema/schema_regex.h"

#include <inttypes.h>

enum {
    SHOWN_LEN = 64,
    BYTES_PER_STEP = 128, // of a text whose characters are counted
    REAL_STEPS = 64,      // a real number becomes a decimal
};

static const struct {
    const char *name;
    const char *spoken;
    uint32_t bits;
} types[] = {
    {"null", "null", TYPE_NULL},
    {"boolean", "a boolean", TYPE_BOOLEAN},
    {"object", "an object", TYPE_OBJECT},
    {"array", "an array", TYPE_ARRAY},
    {"integer", "an integer", TYPE_INTEGER},
    {"number", "a number", TYPE_NUMBER},
    {"string", "a string", TYPE_STRING},
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

static struct place place_of(const struct node *node, const struct rule *rule)
{
    return (struct place){.node = node, .keyword = rule->keyword};
}

// The first of them that fits.
static const char *spoken_of(uint32_t bits)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if ((types[i].bits & bits) != 0)
            return types[i].spoken;
    return "nothing";
}

static bool check_type(struct check *check, const struct rule *rule, const struct frame *frame)
{
    uint32_t found = frame->spot->types;
    if ((found & rule->types) != 0)
        return true;
    if (check->quiet > 0)
        return false;
    char wanted[SCHEMA_TEXT_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if ((types[i].bits & rule->types) != 0)
            len += (size_t)snprintf(wanted + len, sizeof wanted - len, "%s%s",
                                    len > 0 ? " or " : "", types[i].spoken);
    return schema_report_add(check, frame, rule->keyword, "expected %s, found %s", wanted,
                             spoken_of(found));
}

static uint32_t bits_of(const json_t *name)
{
    for (size_t i = 0; json_is_string(name) && i < TYPE_COUNT; i++)
        if (strcmp(types[i].name, json_string_value(name)) == 0)
            return types[i].bits;
    return 0;
}

void schema_rule_type(struct compiler *compiler, struct node *node, json_t *value,
                      struct rule *rule)
{
    struct place place = place_of(node, rule);
    rule->check = check_type;
    rule->types = bits_of(value);
    bool is_good = json_is_array(value) ? json_array_size(value) > 0 : rule->types != 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        uint32_t bits = bits_of(json_array_get(value, i));
        is_good = is_good && bits != 0 && (rule->types & bits) == 0;
        rule->types |= bits;
    }
    if (!is_good)
        (void)schema_fault_at(
            compiler, ERR_BAD_FIELD, &place,
            "expected null, boolean, object, array, integer, number or string, or "
            "an array of different ones");
}

static bool check_const(struct check *check, const struct rule *rule, const struct frame *frame)
{
    if (schema_equal(rule->value, frame->spot->value, &check->budget))
        return true;
    if (!schema_check_spend(check, frame, 1) || check->quiet > 0)
        return false;
    char wanted[SCHEMA_TEXT_MAX / 2];
    schema_report_value(rule->value, wanted, sizeof wanted);
    return schema_report_add(check, frame, rule->keyword, "expected %s", wanted);
}

void schema_rule_const(struct compiler *compiler, struct node *node, json_t *value,
                       struct rule *rule)
{
    (void)compiler;
    (void)node;
    rule->check = check_const;
    rule->value = value;
}

// What is allowed, as far as there is room.
static bool report_enum(struct check *check, const struct rule *rule, const struct frame *frame)
{
    char wanted[SCHEMA_TEXT_MAX] = "";
    size_t len = 0, count = json_array_size(rule->value);
    for (size_t i = 0; i < count && len + SHOWN_LEN + 8 < sizeof wanted; i++) {
        char one[SHOWN_LEN];
        schema_report_value(json_array_get(rule->value, i), one, sizeof one);
        len += (size_t)snprintf(wanted + len, sizeof wanted - len, "%s%s", i > 0 ? ", " : "", one);
        if (i + 1 < count && len + SHOWN_LEN + 8 >= sizeof wanted)
            len += (size_t)snprintf(wanted + len, sizeof wanted - len, ", ...");
    }
    return schema_report_add(check, frame, rule->keyword, "expected one of %s", wanted);
}

static bool check_enum(struct check *check, const struct rule *rule, const struct frame *frame)
{
    size_t count = json_array_size(rule->value);
    if (!schema_check_spend(check, frame, count / 16))
        return false;
    json_t *value = frame->spot->value;
    for (size_t i = 0; i < count; i++) {
        json_t *wanted = json_array_get(rule->value, i);
        bool is_other = json_typeof(wanted) != json_typeof(value) && !json_is_number(value);
        bool is_longer = json_is_string(value) && json_is_string(wanted) &&
                         json_string_length(value) != json_string_length(wanted);
        if (!is_other && !is_longer && schema_equal(wanted, value, &check->budget))
            return true;
    }
    if (!schema_check_spend(check, frame, 1) || check->quiet > 0)
        return false;
    return report_enum(check, rule, frame);
}

void schema_rule_enum(struct compiler *compiler, struct node *node, json_t *value,
                      struct rule *rule)
{
    struct place place = place_of(node, rule);
    rule->check = check_enum;
    rule->value = value;
    if (!json_is_array(value))
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected an array of values");
}

static bool report_bound(struct check *check, const struct rule *rule, const struct frame *frame,
                         const char *words)
{
    if (check->quiet > 0)
        return false;
    char found[SHOWN_LEN], bound[SHOWN_LEN];
    schema_report_value(frame->spot->value, found, sizeof found);
    schema_report_value(json_object_get(frame->node->json, rule->keyword), bound, sizeof bound);
    return schema_report_add(check, frame, rule->keyword, "expected %s %s, found %s", words, bound,
                             found);
}

static int compare(const struct rule *rule, const struct frame *frame)
{
    return schema_number_compare(schema_number_of(frame->spot->value), rule->number);
}

static bool check_minimum(struct check *check, const struct rule *rule, const struct frame *frame)
{
    return compare(rule, frame) >= 0 || report_bound(check, rule, frame, "a number of at least");
}

static bool check_maximum(struct check *check, const struct rule *rule, const struct frame *frame)
{
    return compare(rule, frame) <= 0 || report_bound(check, rule, frame, "a number of at most");
}

static bool check_above(struct check *check, const struct rule *rule, const struct frame *frame)
{
    return compare(rule, frame) > 0 || report_bound(check, rule, frame, "a number greater than");
}

static bool check_below(struct check *check, const struct rule *rule, const struct frame *frame)
{
    return compare(rule, frame) < 0 || report_bound(check, rule, frame, "a number less than");
}

static void build_bound(struct compiler *compiler, const struct node *node, json_t *value,
                        struct rule *rule, rule_check *checks)
{
    struct place place = place_of(node, rule);
    rule->check = checks;
    if (json_is_number(value))
        rule->number = schema_number_of(value);
    else
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected a number");
}

void schema_rule_minimum(struct compiler *compiler, struct node *node, json_t *value,
                         struct rule *rule)
{
    build_bound(compiler, node, value, rule, check_minimum);
}

void schema_rule_maximum(struct compiler *compiler, struct node *node, json_t *value,
                         struct rule *rule)
{
    build_bound(compiler, node, value, rule, check_maximum);
}

void schema_rule_exclusive_minimum(struct compiler *compiler, struct node *node, json_t *value,
                                   struct rule *rule)
{
    build_bound(compiler, node, value, rule, check_above);
}

void schema_rule_exclusive_maximum(struct compiler *compiler, struct node *node, json_t *value,
                                   struct rule *rule)
{
    build_bound(compiler, node, value, rule, check_below);
}

static bool check_multiple(struct check *check, const struct rule *rule, const struct frame *frame)
{
    struct number number = schema_number_of(frame->spot->value);
    if (!schema_check_spend(check, frame, number.is_real ? REAL_STEPS : 1))
        return false;
    struct decimal found = schema_number_decimal(number);
    return schema_number_is_multiple(found, rule->decimal) ||
           report_bound(check, rule, frame, "a multiple of");
}

void schema_rule_multiple_of(struct compiler *compiler, struct node *node, json_t *value,
                             struct rule *rule)
{
    struct place place = place_of(node, rule);
    rule->check = check_multiple;
    if (json_is_number(value) && json_number_value(value) > 0)
        rule->decimal = schema_number_decimal(schema_number_of(value));
    else
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected a number above 0");
}

// Code points of UTF-8: every byte but the later ones of a character.
static uint64_t length_of(const json_t *string)
{
    const char *text = json_string_value(string);
    size_t len = json_string_length(string);
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static bool check_min_length(struct check *check, const struct rule *rule,
                             const struct frame *frame)
{
    const json_t *value = frame->spot->value;
    if (!schema_check_spend(check, frame, json_string_length(value) / BYTES_PER_STEP))
        return false;
    uint64_t length = length_of(value);
    return length >= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at least %" PRIu64 " characters, found %" PRIu64,
                             rule->limit, length);
}

static bool check_max_length(struct check *check, const struct rule *rule,
                             const struct frame *frame)
{
    const json_t *value = frame->spot->value;
    if (!schema_check_spend(check, frame, json_string_length(value) / BYTES_PER_STEP))
        return false;
    uint64_t length = length_of(value);
    return length <= rule->limit ||
           schema_report_add(check, frame, rule->keyword,
                             "expected at most %" PRIu64 " characters, found %" PRIu64, rule->limit,
                             length);
}

void schema_rule_min_length(struct compiler *compiler, struct node *node, json_t *value,
                            struct rule *rule)
{
    rule->check = check_min_length;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

void schema_rule_max_length(struct compiler *compiler, struct node *node, json_t *value,
                            struct rule *rule)
{
    rule->check = check_max_length;
    rule->limit = schema_build_count(compiler, node, value, rule);
}

static bool check_pattern(struct check *check, const struct rule *rule, const struct frame *frame)
{
    const json_t *value = frame->spot->value;
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    int matches = schema_check_match(check, frame, rule->regex, text);
    if (matches != 0)
        return matches > 0;
    json_t *pattern = json_object_get(frame->node->json, rule->keyword);
    return schema_report_add(check, frame, rule->keyword, "expected a text that matches %s",
                             json_string_value(pattern));
}

void schema_rule_pattern(struct compiler *compiler, struct node *node, json_t *value,
                         struct rule *rule)
{
    struct place place = place_of(node, rule);
    rule->check = check_pattern;
    if (json_is_string(value))
        rule->regex = schema_build_regex(compiler, &place, json_string_value(value),
                                         json_string_length(value));
    else
        (void)schema_fault_at(compiler, ERR_BAD_FIELD, &place, "expected a regular expression");
}
