// Answer lines of --lines: whatever a child writes to its stdout. What is taken as a result must be
// JSON by itself, because it is passed on as such.

#include "lib/base/utf8.h"
#include "worker/core/jsontext.h"
#include "worker/core/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static bool is_utf8(struct slice text)
{
    return utf8_valid_len(text) == text.len;
}

// Each member is found by what its name means.
static void find_each(struct slice line, const struct jsontext_member *members, uint32_t count)
{
    static uint8_t room[4096];
    struct slice name;
    struct slice value;
    for (uint32_t i = 0; i < count; i++) {
        struct slice quoted = slice_of(members[i].name.data - 1, members[i].name.len + 2);
        if (quoted.len > sizeof room)
            continue;
        must(jsontext_string(quoted, room, sizeof room, &name) == OK);
        must(jsontext_find(line, name, &value) == OK && jsontext_is_valid(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = slice_of(data, size);
    struct lines_answer answer;
    err read = lines_answer(line, &answer);
    must(read == OK || read == ERR_MALFORMED || read == ERR_BAD_FIELD);
    struct jsontext_member members[LINES_MEMBERS_MAX];
    uint32_t count = 0;
    bool is_object = jsontext_members(line, members, LINES_MEMBERS_MAX, &count) == OK;
    must(!is_object || jsontext_is_valid(line) || size > JSONTEXT_DEPTH_MAX);
    if (is_object)
        find_each(line, members, count);
    if (read != OK)
        return 0;
    must(is_object);
    struct outcome_report report;
    lines_report(&answer, &report);
    must(report.result.bytes.len == 0 || jsontext_is_valid(report.result.bytes));
    must(is_utf8(report.kind) && is_utf8(report.message) && report.detail.len == 0);
    must(report.outcome == OUTCOME_SUCCEEDED || report.outcome == OUTCOME_FAILED ||
         report.outcome == OUTCOME_DEAD);
    return 0;
}
