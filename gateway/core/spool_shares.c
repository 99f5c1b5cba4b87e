// A small table, walked.

#include "gateway/core/spool_shares.h"

#include "lib/base/check.h"

static uint32_t find(const struct spool_shares *shares, uint64_t tenant)
{
    uint32_t at = 0;
    while (at < shares->count && shares->shares[at].tenant != tenant)
        at++;
    return at;
}

bool spool_shares_fit(const struct spool_shares *shares, uint64_t tenant, uint64_t bytes,
                      uint64_t bytes_max)
{
    uint32_t at = find(shares, tenant);
    uint64_t has = at < shares->count ? shares->shares[at].bytes : 0;
    return bytes_max == 0 || (bytes <= bytes_max && has <= bytes_max - bytes);
}

void spool_shares_add(struct spool_shares *shares, uint64_t tenant, uint64_t bytes)
{
    uint32_t at = find(shares, tenant);
    if (at == SPOOL_SHARES_MAX || bytes == 0)
        return;
    if (at == shares->count)
        shares->shares[shares->count++] = (struct spool_share){.tenant = tenant};
    shares->shares[at].bytes += bytes;
    CHECK(shares->shares[at].bytes >= bytes);
}

// Of who had no place when it came there may be more than was counted.
void spool_shares_drop(struct spool_shares *shares, uint64_t tenant, uint64_t bytes)
{
    uint32_t at = find(shares, tenant);
    if (at == shares->count)
        return;
    if (shares->shares[at].bytes > bytes)
        shares->shares[at].bytes -= bytes;
    else
        shares->shares[at] = shares->shares[--shares->count];
}
