// Bulk bodies record by record.

#include "gateway/core/records.h"

#include "tests/support/test.h"

static struct names_key keys[64];

// "line:record|line:record" or the error at the end.
static const char *listed(enum records_form form, const char *body)
{
    static char text[256];
    struct records records;
    struct slice record;
    bool more = true;
    size_t len = 0;
    text[0] = '\0';
    records_init(&records, form,
                 (struct scan){.text = slice_of_text(body), .keys = keys, .key_cap = 64});
    for (;;) {
        err e = records_next(&records, &more, &record);
        if (e != OK)
            return len > 0 ? strncat(text, "|!", sizeof text - len - 1) : "!";
        if (!more)
            return text;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u:%.*s", len > 0 ? "|" : "",
                                records.line, (int)record.len, (const char *)record.data);
    }
}

TEST(records, lines_are_given_with_their_numbers)
{
    EXPECT_STR(listed(RECORDS_LINES, "{}\n{\"a\":1}\n"), "1:{}|2:{\"a\":1}");
    EXPECT_STR(listed(RECORDS_LINES, "{}\n\n \t\r\n[]"), "1:{}|4:[]");
    EXPECT_STR(listed(RECORDS_LINES, "x\ny"), "1:x|2:y");
    EXPECT_STR(listed(RECORDS_LINES, ""), "");
    EXPECT_STR(listed(RECORDS_LINES, "\n\n"), "");
}

TEST(records, elements_are_given_with_their_places)
{
    EXPECT_STR(listed(RECORDS_ARRAY, " [ {} , {\"a\":[1]} ] "), "1:{}|2:{\"a\":[1]}");
    EXPECT_STR(listed(RECORDS_ARRAY, "[]"), "");
}

TEST(records, a_broken_array_ends_the_reading)
{
    EXPECT_STR(listed(RECORDS_ARRAY, "{}"), "!");
    EXPECT_STR(listed(RECORDS_ARRAY, ""), "!");
    EXPECT_STR(listed(RECORDS_ARRAY, "[1,{\"a\":}]"), "1:1|!");
    EXPECT_STR(listed(RECORDS_ARRAY, "[1] 2"), "1:1|!");
}
