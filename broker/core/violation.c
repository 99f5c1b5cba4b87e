// The table of kinds, and counting.

#include "broker/core/violation.h"

#include "lib/base/check.h"

struct kind {
    const char *slug;
    const char *text;
    const char *fix;
};

#define VIOLATION_KIND(name, slug, text, fix) [name] = {(slug), (text), (fix)},
static const struct kind kinds[VIOLATION_COUNT] = {VIOLATION_TABLE(VIOLATION_KIND)};
#undef VIOLATION_KIND

const char *violation_slug(enum violation kind)
{
    CHECK((unsigned)kind < VIOLATION_COUNT);
    return kinds[kind].slug;
}

const char *violation_text(enum violation kind)
{
    CHECK((unsigned)kind < VIOLATION_COUNT);
    return kinds[kind].text;
}

const char *violation_fix(enum violation kind)
{
    CHECK((unsigned)kind < VIOLATION_COUNT);
    return kinds[kind].fix;
}

void violation_add(struct violation_list *list, enum violation kind, uint64_t no,
                   const struct id *id)
{
    CHECK((unsigned)kind < VIOLATION_COUNT);
    if (kind == VIOLATION_NONE)
        return;
    struct violation_tally *tally = &list->of[kind];
    if (tally->count++ > 0)
        return;
    tally->no = no;
    if (id != NULL)
        tally->id = *id;
}

uint64_t violation_sum(const struct violation_list *list)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++)
        sum += list->of[kind].count;
    return sum;
}
