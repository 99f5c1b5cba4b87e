#pragma once

// What compiling and checking say, as one text each.

#include "lib/schema/schema.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct schema *compiled(const char *text)
{
    struct schema *schema = NULL;
    struct schema_fault fault;
    err e = schema_compile(slice_of_text(text), &schema, &fault);
    if (e != OK)
        print_message("%s: %s\n", fault.pointer, fault.message);
    EXPECT_EQ(e, OK);
    EXPECT_STR(fault.pointer, "");
    return schema;
}

// "pointer: message", or "ok".
static inline const char *fault_of(const char *text)
{
    static char told[2 * SCHEMA_TEXT_MAX + 16];
    struct schema *schema = NULL;
    struct schema_fault fault;
    err e = schema_compile(slice_of_text(text), &schema, &fault);
    if (e == OK) {
        schema_free(schema);
        return "ok";
    }
    EXPECT(schema == NULL);
    (void)snprintf(told, sizeof told, "%s%s: %s", e == ERR_TOO_LARGE ? "too large: " : "",
                   fault.pointer, fault.message);
    return told;
}

// One line for each violation: "path | keyword | message".
static inline const char *verdict(const char *schema_text, const char *text)
{
    static char told[SCHEMA_VIOLATIONS_MAX * 3 * SCHEMA_TEXT_MAX];
    static struct schema_report report;
    struct schema *schema = compiled(schema_text);
    bool ok = schema_check_text(schema, slice_of_text(text), &report);
    EXPECT_EQ(ok, report.count == 0);
    size_t len = 0;
    told[0] = '\0';
    for (uint32_t i = 0; i < report.count; i++)
        len += (size_t)snprintf(told + len, sizeof told - len, "%s%s | %s | %s", i > 0 ? "\n" : "",
                                report.violations[i].path, report.violations[i].keyword,
                                report.violations[i].message);
    schema_free(schema);
    return told;
}

// `head`, `count` times `part`, `tail`; to be freed.
static inline char *repeated(const char *head, const char *part, size_t count, const char *tail)
{
    char *text = calloc(1, strlen(head) + strlen(part) * count + strlen(tail) + 1);
    char *end = text + strlen(head);
    memcpy(text, head, strlen(head));
    for (size_t i = 0; i < count; i++, end += strlen(part))
        memcpy(end, part, strlen(part));
    memcpy(end, tail, strlen(tail) + 1);
    return text;
}
