// Sums.

#include "gateway/core/spool_account.h"

bool spool_account_fits(const struct spool_account *account, uint64_t bytes, uint64_t bytes_max)
{
    return bytes <= bytes_max && account->bytes <= bytes_max - bytes;
}

void spool_account_accept(struct spool_account *account, uint64_t bytes)
{
    account->accepted++;
    account->waiting++;
    account->bytes += bytes;
}

void spool_account_forward(struct spool_account *account, uint64_t bytes)
{
    CHECK(account->waiting > 0 && account->bytes >= bytes);
    account->waiting--;
    account->forwarded++;
    account->bytes -= bytes;
}

void spool_account_refuse(struct spool_account *account, uint64_t bytes_before,
                          uint64_t bytes_after)
{
    CHECK(account->waiting > 0 && account->bytes >= bytes_before);
    account->waiting--;
    account->refused++;
    account->kept++;
    account->bytes = account->bytes - bytes_before + bytes_after;
}

void spool_account_delete(struct spool_account *account, uint64_t bytes)
{
    CHECK(account->kept > 0 && account->bytes >= bytes);
    account->kept--;
    account->deleted++;
    account->bytes -= bytes;
}

void spool_account_damage(struct spool_account *account)
{
    account->damaged++;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

uint64_t spool_account_gap(const struct spool_account *account)
{
    uint64_t placed = account->forwarded + account->waiting + account->refused + account->damaged;
    return apart(account->accepted, placed) +
           apart(account->refused, account->kept + account->deleted);
}
