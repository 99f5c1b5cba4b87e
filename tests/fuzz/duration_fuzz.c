// Spans from anybody: what is read can be written, and the written text says the same.
//
// links: weft_base

#include "lib/base/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    when_ms span = -1;
    if (duration_parse(slice_of(data, size), &span) != OK) {
        CHECK(span == -1);
        return 0;
    }
    CHECK(span >= 0 && span <= DURATION_MAX_MS);
    char text[DURATION_TEXT_LEN + 1];
    duration_format(span, text);
    CHECK(strlen(text) <= size || span == 0);
    when_ms again = -1;
    err e = duration_parse(slice_of_text(text), &again);
    CHECK(e == OK && again == span);
    return 0;
}
