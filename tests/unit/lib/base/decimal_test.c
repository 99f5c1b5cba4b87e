// Numbers as people read them.

#include "lib/base/decimal.h"

#include "tests/support/test.h"

#include <inttypes.h>

TEST(decimal, a_number_is_spelled_as_printf_spells_it)
{
    uint64_t number = 1;
    for (unsigned i = 0; i < 65; i++, number *= 2) {
        const uint64_t near[] = {number - 1, number, number + 1};
        for (unsigned j = 0; j < 3; j++) {
            char expected[32];
            char text[DECIMAL_LEN_MAX];
            int len = snprintf(expected, sizeof expected, "%" PRIu64, near[j]);
            EXPECT_EQ(decimal_put(near[j], text), (size_t)len);
            EXPECT_MEM(text, expected, (size_t)len);
        }
    }
}
