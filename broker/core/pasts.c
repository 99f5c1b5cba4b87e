// The table of pasts.

#include "broker/core/pasts.h"

#include "lib/base/check.h"

static_assert(sizeof(struct past) == 64, "docs/limits.md states the cost of a job");

size_t pasts_size(uint32_t cap)
{
    return (size_t)cap * sizeof(struct past);
}

void pasts_init(struct pasts *pasts, void *memory, uint32_t cap)
{
    *pasts = (struct pasts){.items = memory, .cap = cap, .free = PASTS_NONE};
}

uint32_t pasts_take(struct pasts *pasts)
{
    uint32_t no = pasts->free;
    if (no == PASTS_NONE) {
        CHECK(pasts->used < pasts->cap);
        no = pasts->used++;
    } else {
        pasts->free = pasts->items[no].extend_ms;
    }
    pasts->items[no] = (struct past){0};
    pasts->count++;
    return no;
}

void pasts_give_back(struct pasts *pasts, uint32_t no)
{
    *pasts_at(pasts, no) = (struct past){.extend_ms = pasts->free};
    pasts->free = no;
    pasts->count--;
}

struct past *pasts_at(const struct pasts *pasts, uint32_t no)
{
    CHECK(no < pasts->used);
    return &pasts->items[no];
}

const struct past *pasts_peek(const struct pasts *pasts, uint32_t no)
{
    static const struct past none;
    return no == PASTS_NONE ? &none : pasts_at(pasts, no);
}
