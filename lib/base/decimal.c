// From the last digit to the first.

#include "lib/base/decimal.h"

#include <string.h>

size_t decimal_put(uint64_t number, void *out_text)
{
    char digits[DECIMAL_LEN_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out_text, digits + at, sizeof digits - at);
    return sizeof digits - at;
}
