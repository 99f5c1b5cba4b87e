// Numbers only: who keeps the items asks which.

#include "broker/core/ends.h"

uint32_t ends_dropped(const struct ends *ends, uint32_t item)
{
    return item > ends->first + ends->last ? item - ends->last : 0;
}

uint32_t ends_next(const struct ends *ends, uint32_t item, uint32_t count)
{
    if (item >= count)
        return 0;
    uint32_t next = item + 1;
    if (next <= ends->first || count - item <= ends->last)
        return next;
    return count - ends->last + 1;
}
