#pragma once

// JSON Schema: does a JSON value keep to a schema, and if not, where and why? Drafts 2020-12 (the
// default) and 7 (where `$schema` says so), within one document: docs/schemas.md says what is taken
// and what is not. No clock, no I/O, no globals; memory comes from the heap, below the caps here.
// A compiled schema never changes: any number of threads may check with one at once.

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <stdint.h>

enum {
    // Of a schema. Beyond each of these it is not compiled.
    SCHEMA_BYTES_MAX = 64 * 1024,      // its text
    SCHEMA_NESTING_MAX = 64,           // arrays and objects within each other
    SCHEMA_NODES_MAX = 2048,           // subschemas
    SCHEMA_URI_LEN_MAX = 512,          // an $id or $ref once resolved
    SCHEMA_PATTERN_COUNT_MAX = 256,    // regular expressions
    SCHEMA_PATTERN_LEN_MAX = 1024,     // bytes of one
    SCHEMA_PATTERN_NESTING_MAX = 50,   // groups of one within each other
    SCHEMA_PATTERN_BYTES_MAX = 262144, // all of them, compiled

    // Of a check. It is stopped at each of these, and says so.
    SCHEMA_STEPS_MAX = 1000000,    // subschemas, members, items, comparisons, steps of patterns
    SCHEMA_DEPTH_MAX = 256,        // subschemas within each other, references followed
    SCHEMA_CONTAINERS_MAX = 65536, // arrays and objects of a text: some 250 B each while it is read
    SCHEMA_PATTERN_HEAP_KIB = 1024, // memory of one match
    SCHEMA_VIOLATIONS_MAX = 16,     // reported; that there are more is said
    SCHEMA_TEXT_MAX = 256, // each text of a report, its end included; longer ones end in "..."
};

struct json_t; // jansson's
struct schema; // see schema_compile()

// Why a schema does not compile.
struct schema_fault {
    char pointer[SCHEMA_TEXT_MAX]; // JSON pointer to the keyword; empty for the whole document
    char message[SCHEMA_TEXT_MAX];
};

struct schema_violation {
    char path[SCHEMA_TEXT_MAX];    // JSON pointer into the value
    char keyword[SCHEMA_TEXT_MAX]; // JSON pointer into the schema, to the keyword that was broken
    char message[SCHEMA_TEXT_MAX]; // what was expected
};

struct schema_report {
    uint32_t count;
    uint32_t steps;  // what the check took, of SCHEMA_STEPS_MAX
    bool has_more;   // there are more violations than are listed
    bool is_stopped; // a cap was reached: the last violation names it, and others may exist
    struct schema_violation violations[SCHEMA_VIOLATIONS_MAX]; // only the first `count` are written
};

// The violations as a JSON array of {"path", "schema_path", "message"}, as many of the first ones as
// `cap` has room for; not zero-terminated. Returns its length, at least 2 when `cap` is.
size_t schema_report_json(const struct schema_report *report, char *out, size_t cap);

// Copies `text`. The schema is the caller's, until schema_free().
// `out_fault` is written on every error, `out_schema` on success only.
//   ERR_BAD_FIELD   not JSON, not a schema, or one that asks for what is not done here
//   ERR_TOO_LARGE   one of the caps above
//   ERR_NO_MEMORY
MUST_USE err schema_compile(struct slice text, struct schema **out_schema,
                            struct schema_fault *out_fault);
// What it was compiled from, byte by byte. Borrowed until schema_free().
struct slice schema_text(const struct schema *schema);
// Takes NULL.
void schema_free(struct schema *schema);

// True when `value` keeps to the schema; else `out_report` holds at least one violation.
// `value` is borrowed and not changed.
bool schema_check(const struct schema *schema, struct json_t *value,
                  struct schema_report *out_report);

// The same for a JSON text. One that cannot be read is a violation of its own. Integers beyond 64
// bits are read as the nearest real numbers, and then so are all other integers of the text.
bool schema_check_text(const struct schema *schema, struct slice text,
                       struct schema_report *out_report);

// The same for MessagePack: as the JSON that it stands for. Binary data, extensions, numbers that are
// not finite and names that are no text have no such form, and are violations.
bool schema_check_packed(const struct schema *schema, struct slice bytes,
                         struct schema_report *out_report);
