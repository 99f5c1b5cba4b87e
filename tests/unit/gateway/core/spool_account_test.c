// The books of the spool.

#include "gateway/core/spool_account.h"

#include "tests/support/test.h"

TEST(spool_account, each_job_is_somewhere)
{
    struct spool_account account = {0};
    for (int i = 0; i < 4; i++)
        spool_account_accept(&account, 100);
    EXPECT_EQ(account.waiting, 4);
    EXPECT_EQ(account.bytes, 400);
    spool_account_forward(&account, 100);
    spool_account_refuse(&account, 100, 120);
    spool_account_refuse(&account, 100, 110);
    EXPECT_EQ(account.waiting, 1);
    EXPECT_EQ(account.kept, 2);
    EXPECT_EQ(account.bytes, 330);
    spool_account_delete(&account, 110);
    EXPECT_EQ(account.bytes, 220);
    EXPECT_EQ(account.refused, 2);
    EXPECT_EQ(account.deleted, 1);
    EXPECT_EQ(spool_account_gap(&account), 0);
}

TEST(spool_account, a_lost_job_is_seen)
{
    struct spool_account account = {.accepted = 3, .forwarded = 1, .waiting = 1};
    EXPECT_EQ(spool_account_gap(&account), 1);
    spool_account_damage(&account);
    EXPECT_EQ(spool_account_gap(&account), 0);
    account.waiting++; // twice
    EXPECT_EQ(spool_account_gap(&account), 1);
    account = (struct spool_account){.accepted = 2, .refused = 2, .kept = 1};
    EXPECT_EQ(spool_account_gap(&account), 1);
}

TEST(spool_account, bytes_are_bounded_exactly)
{
    struct spool_account account = {.bytes = 60};
    EXPECT(spool_account_fits(&account, 40, 100));
    EXPECT(!spool_account_fits(&account, 41, 100));
    EXPECT(!spool_account_fits(&account, 101, 100));
    EXPECT(!spool_account_fits(&account, 1, 0));
    EXPECT(spool_account_fits(&account, 40, UINT64_MAX));
    EXPECT(!spool_account_fits(&account, UINT64_MAX, UINT64_MAX));
}

TEST(spool_account, what_is_not_there_cannot_leave)
{
    struct spool_account account = {0};
    EXPECT_DIES(spool_account_forward(&account, 0));
    EXPECT_DIES(spool_account_refuse(&account, 0, 0));
    EXPECT_DIES(spool_account_delete(&account, 0));
}
