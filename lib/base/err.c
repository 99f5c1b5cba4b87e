// The error table, spread into its columns. The number is the place; some numbers have no row.

#include "lib/base/err.h"

#include <stddef.h>

struct err_row {
    err number;
    int http;
    bool retry;
    const char *name;
    const char *slug;
    const char *text;
};

#define ERR_ROW(name, number, http, retry, slug, text)                                             \
    [number] = {name, http, retry, #name, slug, text},
static const struct err_row err_rows[] = {ERR_TABLE(ERR_ROW)};
#undef ERR_ROW

static const struct err_row *row_of(err e)
{
    CHECK((size_t)e < sizeof err_rows / sizeof *err_rows);
    CHECK(err_rows[e].name != NULL); // a number that is not given yet
    return &err_rows[e];
}

const char *err_name(err e)
{
    return row_of(e)->name;
}

const char *err_slug(err e)
{
    return row_of(e)->slug;
}

const char *err_text(err e)
{
    return row_of(e)->text;
}

int err_http(err e)
{
    return row_of(e)->http;
}

bool err_may_retry(err e)
{
    return row_of(e)->retry;
}

err err_from_number(uint32_t number)
{
    if (number >= sizeof err_rows / sizeof *err_rows || err_rows[number].name == NULL)
        return ERR_MALFORMED;
    return err_rows[number].number;
}
