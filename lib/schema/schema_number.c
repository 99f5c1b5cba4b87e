// 0.0075 is a multiple of 0.0001 to everybody but a division of doubles. So multiples are decided
// on the decimals that were written, digits and exponent, in modular arithmetic on integers.

#include "lib/schema/schema_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double TWO_63 = 9223372036854775808.0;

struct number schema_number_of(const json_t *value)
{
    if (json_is_integer(value))
        return (struct number){.integer = json_integer_value(value)};
    CHECK(json_is_real(value));
    return (struct number){.is_real = true, .real = json_real_value(value)};
}

static int compare_mixed(int64_t integer, double real)
{
    if (real >= TWO_63)
        return -1;
    if (real < -TWO_63)
        return 1;
    double whole = trunc(real);
    int64_t other = (int64_t)whole;
    if (integer != other)
        return integer < other ? -1 : 1;
    return (real < whole) - (real > whole);
}

int schema_number_compare(struct number a, struct number b)
{
    if (!a.is_real && !b.is_real)
        return (a.integer > b.integer) - (a.integer < b.integer);
    if (a.is_real && b.is_real)
        return (a.real > b.real) - (a.real < b.real);
    return a.is_real ? -compare_mixed(b.integer, a.real) : compare_mixed(a.integer, b.real);
}

bool schema_number_is_integer(struct number number)
{
    return !number.is_real || trunc(number.real) == number.real;
}

static struct decimal without_zeros(struct decimal decimal)
{
    if (decimal.digits == 0)
        return (struct decimal){0};
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

struct decimal schema_number_decimal(struct number number)
{
    if (!number.is_real) {
        uint64_t digits = (uint64_t)number.integer;
        return without_zeros((struct decimal){number.integer < 0 ? 0 - digits : digits, 0});
    }
    char text[40];
    double real = fabs(number.real);
    for (int precision = 14; precision <= 16; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, real);
        if (strtod(text, NULL) == real)
            break;
    }
    struct decimal decimal = {0};
    int after_point = -1; // the first digit stands before it, whatever the point looks like
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            continue;
        decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
        after_point++;
    }
    int exponent = *at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0;
    decimal.exponent = exponent - after_point;
    return without_zeros(decimal);
}

static uint64_t add_modulo(uint64_t a, uint64_t b, uint64_t modulus)
{
    return a >= modulus - b ? a - (modulus - b) : a + b;
}

static uint64_t ten_times_modulo(uint64_t a, uint64_t modulus)
{
    uint64_t two = add_modulo(a, a, modulus);
    uint64_t four = add_modulo(two, two, modulus);
    return add_modulo(add_modulo(four, four, modulus), two, modulus);
}

bool schema_number_is_multiple(struct decimal a, struct decimal b)
{
    CHECK(b.digits != 0);
    if (a.digits == 0)
        return true;
    // a / b = (a.digits / b.digits) * 10^(a.exponent - b.exponent)
    int exponent = a.exponent - b.exponent;
    uint64_t divisor = b.digits;
    for (; exponent < 0; exponent++) {
        if (divisor > UINT64_MAX / 10)
            return false; // larger than any number of digits, which are not 0
        divisor *= 10;
    }
    uint64_t left = a.digits % divisor;
    for (; exponent > 0 && left != 0; exponent--)
        left = ten_times_modulo(left, divisor);
    return left == 0;
}
