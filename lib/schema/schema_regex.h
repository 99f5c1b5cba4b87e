#pragma once

// The PCRE2 seam: regular expressions of ECMA-262 with the u flag, as JSON Schema wants them. What
// ECMA does not know (recursion, verbs, conditions, options) is refused, what both know but mean
// otherwise is translated. Every step of a match is counted, so that no pattern can stall.

#include "lib/schema/schema_private.h"

struct regex;   // immutable
struct matcher; // memory of matches; one thread at a time

enum regex_verdict {
    REGEX_NO_MATCH,
    REGEX_MATCH,
    REGEX_STEPS,  // the budget has run out
    REGEX_MEMORY, // SCHEMA_PATTERN_HEAP_KIB is not enough, or there is no memory
};

// `pattern` is valid UTF-8. Writes why not to `out_why` (`cap` bytes) on error.
//   ERR_BAD_FIELD   not a regular expression
//   ERR_TOO_LARGE   SCHEMA_PATTERN_LEN_MAX, SCHEMA_PATTERN_NESTING_MAX
//   ERR_NO_MEMORY
MUST_USE err schema_regex_new(struct slice pattern, struct regex **out_regex, char *out_why,
                              size_t cap);
void schema_regex_free(struct regex *regex);
// Bytes of the compiled form.
size_t schema_regex_size(const struct regex *regex);
// Regular expressions of one schema are a list.
struct regex *schema_regex_push(struct regex *regex, struct regex *list);
struct regex *schema_regex_next(const struct regex *regex);

// NULL when there is no memory.
struct matcher *schema_regex_matcher_new(void);
void schema_regex_matcher_free(struct matcher *matcher);
// Anywhere in `text`, which is valid UTF-8.
enum regex_verdict schema_regex_match(const struct regex *regex, struct slice text,
                                      struct matcher *matcher, struct budget *budget);
