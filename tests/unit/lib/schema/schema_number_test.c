// links: PkgConfig::jansson

// Comparisons and multiples are exact, for integers and for the decimals that reals are written as.

#include "lib/schema/schema_number.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct number integer(int64_t value)
{
    return (struct number){.integer = value};
}

static struct number real(double value)
{
    return (struct number){.is_real = true, .real = value};
}

static bool is_multiple(struct number a, struct number b)
{
    return schema_number_is_multiple(schema_number_decimal(a), schema_number_decimal(b));
}

TEST(number, compares_without_loss)
{
    EXPECT_EQ(schema_number_compare(integer(INT64_MAX), integer(INT64_MIN)), 1);
    EXPECT_EQ(schema_number_compare(real(1.5), real(2.5)), -1);
    EXPECT_EQ(schema_number_compare(integer(1), real(1.0)), 0);
    EXPECT_EQ(schema_number_compare(integer(1), real(1.5)), -1);
    EXPECT_EQ(schema_number_compare(integer(-1), real(-1.5)), 1);
    EXPECT_EQ(schema_number_compare(real(-1.5), integer(-1)), -1);
    EXPECT_EQ(schema_number_compare(integer(9007199254740993), real(9007199254740992.0)), 1);
    EXPECT_EQ(schema_number_compare(integer(INT64_MAX), real(9223372036854775808.0)), -1);
    EXPECT_EQ(schema_number_compare(integer(INT64_MIN), real(-9223372036854775808.0)), 0);
    EXPECT_EQ(schema_number_compare(integer(0), real(1e300)), -1);
    EXPECT_EQ(schema_number_compare(integer(0), real(-1e300)), 1);
    EXPECT_EQ(schema_number_compare(integer(0), real(-0.0)), 0);
}

TEST(number, is_an_integer_when_it_has_no_fraction)
{
    EXPECT(schema_number_is_integer(integer(7)));
    EXPECT(schema_number_is_integer(real(7.0)));
    EXPECT(schema_number_is_integer(real(1e300)));
    EXPECT(!schema_number_is_integer(real(7.5)));
}

TEST(number, decimal_is_what_was_written)
{
    struct decimal decimal = schema_number_decimal(real(0.0075));
    EXPECT_EQ(decimal.digits, 75);
    EXPECT_EQ(decimal.exponent, -4);
    decimal = schema_number_decimal(real(-1e300));
    EXPECT_EQ(decimal.digits, 1);
    EXPECT_EQ(decimal.exponent, 300);
    decimal = schema_number_decimal(integer(INT64_MIN));
    EXPECT_EQ(decimal.digits, (uint64_t)INT64_MAX + 1);
    EXPECT_EQ(schema_number_decimal(real(0.0)).digits, 0);
}

TEST(number, multiples_are_those_of_decimals)
{
    EXPECT(is_multiple(real(0.0075), real(0.0001)));
    EXPECT(!is_multiple(real(0.00751), real(0.0001)));
    EXPECT(is_multiple(real(19.99), real(0.01)));
    EXPECT(is_multiple(real(1e308), real(0.5)));
    EXPECT(!is_multiple(real(1e308), real(0.123456789)));
    EXPECT(!is_multiple(integer(1), real(1e300)));
    EXPECT(is_multiple(integer(0), real(1e300)));
    EXPECT(is_multiple(real(4.0), integer(2)));
    EXPECT(!is_multiple(real(4.5), integer(2)));
    EXPECT(!is_multiple(real(5e-324), integer(INT64_MAX)));
    EXPECT(is_multiple(real(1e18), integer(1000000000)));
}

TEST(number, multiples_of_integers_agree_with_a_division)
{
    struct prng prng = prng_of(test_seed());
    for (int i = 0; i < 20000; i++) {
        int64_t a = (int64_t)prng_next(&prng) >> prng_below(&prng, 64);
        int64_t b = (int64_t)(prng_next(&prng) >> (1 + prng_below(&prng, 63)));
        if (b == 0)
            continue;
        EXPECT_EQ(is_multiple(integer(a), integer(b)), a % b == 0);
        EXPECT_EQ(is_multiple(integer(a / b * b), integer(b)), true);
    }
}

TEST(number, cents_are_multiples_of_a_cent)
{
    for (int i = 1; i < 20000; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%d.%02d", i / 100, i % 100);
        EXPECT(is_multiple(real(strtod(text, NULL)), real(0.01)));
    }
}
