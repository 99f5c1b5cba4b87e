// Id texts from anybody: what is read is written again in small letters.
//
// links: weft_base

#include "lib/base/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t small(uint8_t c)
{
    return c >= 'A' && c <= 'F' ? (uint8_t)(c + ('a' - 'A')) : c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct id id;
    if (id_from_text(slice_of(data, size), &id) != OK)
        return 0;
    CHECK(size == ID_TEXT_LEN);
    char text[ID_TEXT_LEN + 1];
    id_to_text(&id, text);
    for (size_t i = 0; i < size; i++)
        CHECK((uint8_t)text[i] == small(data[i]));
    return 0;
}
