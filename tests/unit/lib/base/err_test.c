// The error table as others rely on it: numbers, slugs, statuses.

#include "tests/support/test.h"

#include "lib/base/err.h"

#include <ctype.h>
#include <string.h>

enum { LAST = ERR_MISDIRECTED };

// The rows of the table, whatever numbers they have.
#define NUMBER(name, number, http, retry, slug, text) number,
static const uint32_t numbers[] = {ERR_TABLE(NUMBER)};
#undef NUMBER
enum { COUNT = sizeof numbers / sizeof numbers[0] };

TEST(err, numbers_on_the_wire_are_frozen)
{
    EXPECT_EQ(OK, 0);
    EXPECT_EQ(ERR_AGAIN, 1);
    EXPECT_EQ(ERR_MALFORMED, 2);
    EXPECT_EQ(ERR_STALE_LEASE, 3);
    EXPECT_EQ(ERR_FULL, 4);
    EXPECT_EQ(ERR_KEY_REUSED, 5);
    EXPECT_EQ(ERR_NOT_FOUND, 6);
    EXPECT_EQ(ERR_GONE, 7);
    EXPECT_EQ(ERR_TOO_LARGE, 8);
    EXPECT_EQ(ERR_ID_TOO_OLD, 9);
    EXPECT_EQ(ERR_ID_MISMATCH, 10);
    EXPECT_EQ(ERR_BAD_FIELD, 11);
    EXPECT_EQ(ERR_UNKNOWN_PEER, 12);
    EXPECT_EQ(ERR_VERSION, 13);
    EXPECT_EQ(ERR_UNSUPPORTED, 19);
    EXPECT_EQ(ERR_SHUTTING_DOWN, 27);
    EXPECT_EQ(ERR_NO_RESOURCE, 28);
    EXPECT_EQ(ERR_ADDRESS_IN_USE, 29);
    EXPECT_EQ(ERR_UNIQUE, 30);
    EXPECT_EQ(ERR_DEPENDENCY, 31);
    EXPECT_EQ(ERR_ATOMIC, 32);
    EXPECT_EQ(ERR_PAUSED, 33);
    EXPECT_EQ(ERR_SCHEMA, 34);
    EXPECT_EQ(ERR_NO_TOKEN, 35);
    EXPECT_EQ(ERR_SCOPE, 36);
    EXPECT_EQ(ERR_QUOTA, 37);
    EXPECT_EQ(ERR_SPOOL_FULL, 38);
    EXPECT_EQ(ERR_UNKNOWN_YET, 39);
    EXPECT_EQ(ERR_WEBHOOK, 43);
    EXPECT_EQ(ERR_RESERVED, 44);
    EXPECT_EQ(ERR_NO_KEY, 47);
    EXPECT_EQ(ERR_FOREIGN_TENANT, 48);
    EXPECT_EQ(ERR_HANDSHAKE, 49);
    EXPECT_EQ(ERR_SPOOLED, 60);
    EXPECT_EQ(ERR_SPOOL_SHARE, 61);
    EXPECT_EQ(ERR_MISDIRECTED, 62);
}

TEST(err, every_number_has_its_row)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t n = numbers[i];
        err e = err_from_number(n);
        EXPECT_EQ(e, n);
        EXPECT(strncmp(err_name(e), n == 0 ? "OK" : "ERR_", n == 0 ? 2 : 4) == 0);
        EXPECT(strlen(err_text(e)) > 0);
        EXPECT(err_http(e) >= 200 && err_http(e) < 600);
        EXPECT((err_http(e) == 200) == (e == OK));
        EXPECT(!err_may_retry(OK));
    }
}

TEST(err, slug_is_the_name_in_small_letters)
{
    for (uint32_t row = 1; row < COUNT; row++) {
        uint32_t n = numbers[row];
        const char *name = err_name((err)n) + strlen("ERR_");
        const char *slug = err_slug((err)n);
        EXPECT_EQ(strlen(slug), strlen(name));
        for (size_t i = 0; i < strlen(slug); i++)
            EXPECT_EQ(slug[i], name[i] == '_' ? '-' : tolower(name[i]));
    }
}

TEST(err, number_without_a_row_is_malformed)
{
    bool given[LAST + 1] = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        given[numbers[i]] = true;
    for (uint32_t n = 0; n <= LAST; n++)
        EXPECT_EQ(err_from_number(n), given[n] ? n : (uint32_t)ERR_MALFORMED);
}

TEST(err, unknown_number_is_malformed)
{
    EXPECT_EQ(err_from_number(LAST + 1), ERR_MALFORMED);
    EXPECT_EQ(err_from_number(UINT32_MAX), ERR_MALFORMED);
}

TEST(err, number_that_never_was_is_a_bug)
{
    EXPECT_DIES(EXPECT(err_name((err)(LAST + 1)) != NULL));
}
