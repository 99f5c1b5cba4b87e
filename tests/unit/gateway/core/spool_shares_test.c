// What each tenant has of the spool.

#include "gateway/core/spool_shares.h"

#include "tests/support/test.h"

TEST(spool_shares, each_tenant_has_its_own)
{
    static struct spool_shares shares;
    spool_shares_add(&shares, 7, 60);
    spool_shares_add(&shares, 8, 10);
    spool_shares_add(&shares, 7, 30);
    EXPECT(spool_shares_fit(&shares, 7, 10, 100));
    EXPECT(!spool_shares_fit(&shares, 7, 11, 100));
    EXPECT(spool_shares_fit(&shares, 8, 90, 100));
    EXPECT(!spool_shares_fit(&shares, 8, 91, 100));
    EXPECT(spool_shares_fit(&shares, 9, 100, 100));
    EXPECT(!spool_shares_fit(&shares, 9, 101, 100));
    EXPECT(!spool_shares_fit(&shares, 9, UINT64_MAX, 100));
}

TEST(spool_shares, without_a_bound_all_fits)
{
    static struct spool_shares shares;
    spool_shares_add(&shares, 7, UINT64_MAX - 1);
    EXPECT(spool_shares_fit(&shares, 7, UINT64_MAX, 0));
}

TEST(spool_shares, what_has_left_leaves_room)
{
    static struct spool_shares shares;
    spool_shares_add(&shares, 7, 60);
    spool_shares_add(&shares, 8, 60);
    spool_shares_drop(&shares, 7, 20);
    EXPECT(spool_shares_fit(&shares, 7, 60, 100));
    EXPECT(!spool_shares_fit(&shares, 7, 61, 100));
    spool_shares_drop(&shares, 7, 40);
    EXPECT_EQ(shares.count, 1);
    EXPECT(!spool_shares_fit(&shares, 8, 41, 100));
    spool_shares_drop(&shares, 9, 1); // nobody
    EXPECT_EQ(shares.count, 1);
}

TEST(spool_shares, one_tenant_too_many_is_not_counted_and_does_no_harm)
{
    static struct spool_shares shares;
    for (uint64_t tenant = 0; tenant <= SPOOL_SHARES_MAX; tenant++)
        spool_shares_add(&shares, tenant, 10);
    EXPECT_EQ(shares.count, SPOOL_SHARES_MAX);
    EXPECT(spool_shares_fit(&shares, SPOOL_SHARES_MAX, 10, 10));
    spool_shares_drop(&shares, 0, 10);
    spool_shares_add(&shares, SPOOL_SHARES_MAX, 5);
    spool_shares_drop(&shares, SPOOL_SHARES_MAX, 10);
    EXPECT_EQ(shares.count, SPOOL_SHARES_MAX - 1);
}
