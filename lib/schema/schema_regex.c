// Patterns are compiled with a callout before each of their items. The callout charges a step, and
// more for each stretch of text that was passed since the last one, to the budget of the check.

#define PCRE2_CODE_UNIT_WIDTH 8

#include "lib/schema/schema_regex.h"

#include "lib/schema/schema_ecma.h"

#include <pcre2.h>
#include <stdlib.h>

enum { BYTES_PER_STEP = 32 };

struct regex {
    pcre2_code *code;
    struct regex *next;
    bool refers_back; // comparing with what a group matched is work that no callout sees
};

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

struct meter {
    struct budget *budget;
    size_t at;
    size_t toll; // steps more for each item
};

static int on_item(pcre2_callout_block *block, void *context)
{
    struct meter *meter = context;
    size_t at = block->current_position;
    size_t passed = at > meter->at ? at - meter->at : meter->at - at;
    meter->at = at;
    return budget_spend(meter->budget, 1 + meter->toll + passed / BYTES_PER_STEP)
               ? 0
               : PCRE2_ERROR_CALLOUT;
}

static pcre2_compile_context *compile_context(void)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return NULL;
    (void)pcre2_set_parens_nest_limit(context, SCHEMA_PATTERN_NESTING_MAX);
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    return context;
}

static err compile(const char *pattern, size_t len, pcre2_code **out_code, char *out_why,
                   size_t cap)
{
    pcre2_compile_context *context = compile_context();
    if (context == NULL)
        return ERR_NO_MEMORY;
    const uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS |
                             PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
    int code = 0;
    PCRE2_SIZE offset = 0;
    *out_code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (*out_code != NULL)
        return OK;
    // The text is cut to fit.
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)out_why, cap);
    if (code == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP || code == PCRE2_ERROR_PATTERN_TOO_LARGE ||
        code == PCRE2_ERROR_PATTERN_STRING_TOO_LONG)
        return ERR_TOO_LARGE;
    return code == PCRE2_ERROR_HEAP_FAILED ? ERR_NO_MEMORY : ERR_BAD_FIELD;
}

err schema_regex_new(struct slice pattern, struct regex **out_regex, char *out_why, size_t cap)
{
    out_why[0] = '\0';
    if (pattern.len > SCHEMA_PATTERN_LEN_MAX) {
        (void)snprintf(out_why, cap, "it is longer than %d bytes", SCHEMA_PATTERN_LEN_MAX);
        return ERR_TOO_LARGE;
    }
    size_t text_cap = (pattern.len + 1) * SCHEMA_ECMA_GROWTH;
    char *text = malloc(text_cap);
    struct regex *regex = calloc(1, sizeof *regex);
    err e = text == NULL || regex == NULL ? ERR_NO_MEMORY : OK;
    size_t len = 0;
    const char *why = e == OK ? schema_ecma_translate(pattern, text, text_cap, &len) : NULL;
    if (why != NULL) {
        (void)snprintf(out_why, cap, "%s", why);
        e = ERR_BAD_FIELD;
    }
    if (e == OK)
        e = compile(text, len, &regex->code, out_why, cap);
    free(text);
    if (e != OK) {
        free(regex);
        return e;
    }
    uint32_t back_max = 0;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_BACKREFMAX, &back_max);
    regex->refers_back = back_max > 0;
    *out_regex = regex;
    return OK;
}

void schema_regex_free(struct regex *regex)
{
    if (regex != NULL)
        pcre2_code_free(regex->code);
    free(regex);
}

size_t schema_regex_size(const struct regex *regex)
{
    size_t size = 0;
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_SIZE, &size);
    return size;
}

struct regex *schema_regex_push(struct regex *regex, struct regex *list)
{
    CHECK(regex->next == NULL);
    regex->next = list;
    return regex;
}

struct regex *schema_regex_next(const struct regex *regex)
{
    return regex->next;
}

struct matcher *schema_regex_matcher_new(void)
{
    struct matcher *matcher = calloc(1, sizeof *matcher);
    if (matcher == NULL)
        return NULL;
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    if (matcher->data == NULL || matcher->context == NULL) {
        schema_regex_matcher_free(matcher);
        return NULL;
    }
    (void)pcre2_set_heap_limit(matcher->context, SCHEMA_PATTERN_HEAP_KIB);
    return matcher;
}

void schema_regex_matcher_free(struct matcher *matcher)
{
    if (matcher == NULL)
        return;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    free(matcher);
}

enum regex_verdict schema_regex_match(const struct regex *regex, struct slice text,
                                      struct matcher *matcher, struct budget *budget)
{
    struct meter meter = {.budget = budget};
    if (regex->refers_back)
        meter.toll = text.len / BYTES_PER_STEP;
    (void)pcre2_set_callout(matcher->context, on_item, &meter);
    PCRE2_SPTR subject = text.len > 0 ? text.data : (PCRE2_SPTR) "";
    int found = pcre2_match(regex->code, subject, text.len, 0, PCRE2_NO_UTF_CHECK, matcher->data,
                            matcher->context);
    if (found >= 0)
        return REGEX_MATCH;
    if (found == PCRE2_ERROR_NOMATCH)
        return REGEX_NO_MATCH;
    return found == PCRE2_ERROR_CALLOUT ? REGEX_STEPS : REGEX_MEMORY;
}
