// Heads of requests from anybody. What the rule takes holds nothing that another reader of the
// same bytes could take for something else.
//
// links: weft_http weft_base

#include "lib/http/admission.h"

#include "tests/support/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Bytes that no head may hold, wherever they stand. Once the library has ended the lines, carriage
// returns, line feeds and zeros look alike; but there are two of them, or four at the end.
static bool is_clean(struct slice raw)
{
    for (size_t i = 0; i < raw.len;) {
        size_t run = 0;
        while (i + run < raw.len && memchr("\r\n", raw.data[i + run], 3) != NULL)
            run++;
        if (run != 0 && run != 2 && !(run == 4 && i + run == raw.len))
            return false;
        i += run;
        if (run > 0 || raw.data[i] == '\t') {
            i += run == 0;
            continue;
        }
        if (raw.data[i] < 0x20 || raw.data[i] == 0x7f)
            return false;
        i++;
    }
    return true;
}

// No line begins with a blank.
static bool is_unfolded(struct slice raw)
{
    for (size_t i = 0; i + 1 < raw.len; i++) {
        if (raw.data[i] == '\n' && (raw.data[i + 1] == ' ' || raw.data[i + 1] == '\t'))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head_room room;
    struct slice raw = slice_of(data, size);
    if (head_split(raw, &room)) {
        struct admission_verdict verdict = admission_judge(&room.head);
        CHECK((verdict.error == OK) == (verdict.detail == NULL));
        if (verdict.error == OK) {
            struct slice head = slice_of(data, room.head.head.len);
            CHECK(is_clean(head));
            CHECK(is_unfolded(head));
            CHECK(!verdict.chunked || verdict.body_len == 0);
        }
    }
    head_free(&room);
    return 0;
}
