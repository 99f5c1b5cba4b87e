// Texts from anybody: repaired they are valid, and what was valid has not changed.
//
// links: weft_base

#include "lib/base/check.h"
#include "lib/base/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t valid = utf8_valid_len(slice_of(data, size));
    CHECK(valid <= size);
    uint8_t *copy = malloc(size + 1);
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    utf8_repair(copy, size);
    CHECK(utf8_valid_len(slice_of(copy, size)) == size);
    CHECK(valid == size ? slice_equal(slice_of(copy, size), slice_of(data, size))
                        : copy[valid] == '?');
    free(copy);
    return 0;
}
