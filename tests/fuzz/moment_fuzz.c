// Moments from anybody: what is read can be written, and the written text says the same.
//
// links: weft_base

#include "lib/base/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    when_ms at = -1;
    if (moment_parse(slice_of(data, size), &at) != OK) {
        CHECK(at == -1);
        return 0;
    }
    CHECK(at >= 0 && at <= MOMENT_MAX);
    char text[MOMENT_TEXT_LEN + 1];
    moment_format(at, text);
    when_ms again = -1;
    err e = moment_parse(slice_of_text(text), &again);
    CHECK(e == OK && again == at);
    return 0;
}
