// Bulk bodies from anybody. The first byte says which form; the rest is the body.
//
// links: weft_gateway_core weft_base PkgConfig::jansson

#include "gateway/core/records.h"

#include "tests/support/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 1024 };

static struct names_key keys[KEYS];

// Walks through all records; the error that ended it.
static err walk(enum records_form form, struct slice body, uint32_t *out_count)
{
    struct records records;
    bool more = true;
    struct slice record;
    const uint8_t *last = body.data;
    records_init(&records, form, (struct scan){.text = body, .keys = keys, .key_cap = KEYS});
    for (*out_count = 0;; (*out_count)++) {
        uint32_t line = records.line;
        err e = records_next(&records, &more, &record);
        if (e != OK || !more)
            return e;
        CHECK(record.len > 0 && record.data >= last);
        CHECK(record.data + record.len <= body.data + body.len);
        CHECK(records.line > line);
        last = record.data + record.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t count;
    if (size == 0)
        return 0;
    struct slice body = slice_of(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        err e = walk(RECORDS_LINES, body, &count);
        CHECK(e == OK);
        return 0;
    }
    err e = walk(RECORDS_ARRAY, body, &count);
    // An array is taken to its end exactly when the whole is one.
    struct scan scan = {.text = body, .keys = keys, .key_cap = KEYS};
    struct scan_value value;
    err whole = scan_value(&scan, &value);
    bool is_array = whole == OK && scan_is_end(&scan) && value.kind == SCAN_ARRAY;
    CHECK(!is_array || e == OK);
    // Only the depth differs by one: the array itself is not counted.
    CHECK(e != OK || is_array || whole == ERR_TOO_LARGE);
    return 0;
}
