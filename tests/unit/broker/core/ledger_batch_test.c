// What the ledger does of batches: members, seals, and who is told of an end.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

TEST(ledger_batch, a_job_without_a_batch_joins_none)
{
    struct story *story = story_new();
    struct ledger *ledger = &story->core->ledger;
    struct msg_submit_job job = story_job(1);
    const struct entry entry = {.kind = ENTRY_SUBMIT, .submit = {.job = &job}};
    EXPECT_EQ(ledger_batch_join(ledger, &entry, &(struct job){.no = 1}), 0);
    ledger_batch_move(ledger, 0, JOB_NONE, JOB_QUEUED, 5);
    EXPECT_EQ(ledger->batches.count, 0);
    story_free(story);
}

TEST(ledger_batch, a_seal_changes_the_digest)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.batch_id = story_id(90);
    story_submit(story, job);
    uint64_t before = ledger_digest(&story->core->ledger);
    story_seal(story, 90);
    uint64_t after = ledger_digest(&story->core->ledger);
    EXPECT(before != after);
    story_seal(story, 90); // no entry: it was sealed already
    EXPECT_EQ(ledger_digest(&story->core->ledger), after);
    story_free(story);
}

static uint64_t sealed_by(struct slice sealer)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.batch_id = story_id(90);
    story_submit(story, job);
    story->tenant = job.tenant = slice_of_text("acme");
    job.job_id = story_id(2);
    story_submit(story, job);
    story->tenant = sealer;
    story_seal(story, 90);
    uint64_t digest = ledger_digest(&story->core->ledger);
    story_free(story);
    return digest;
}

TEST(ledger_batch, the_digest_knows_whose_batch_is_sealed)
{
    EXPECT(sealed_by((struct slice){0}) != sealed_by(slice_of_text("acme")));
}

static uint64_t made_of(uint64_t fingerprint)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.batch_id = story_id(90);
    job.batch_fingerprint = fingerprint;
    story_submit(story, job);
    uint64_t digest = ledger_digest(&story->core->ledger);
    story_free(story);
    return digest;
}

TEST(ledger_batch, the_digest_knows_what_a_batch_is_made_of)
{
    EXPECT(made_of(5) == made_of(5) && made_of(5) != made_of(6));
}

TEST(ledger_batch, the_numbers_of_the_members_are_kept)
{
    struct story *story = story_new();
    for (uint32_t number = 1; number <= 5; number++) {
        struct msg_submit_job job = story_job(number);
        job.batch_id = number == 2 || number == 4 ? story_id(90) : (struct id){{0}};
        story_submit(story, job);
    }
    EXPECT_EQ(story->store.batches[0].first_no, 2);
    EXPECT_EQ(story->store.batches[0].last_no, 4);
    story_free(story);
}

TEST(ledger_batch, a_batch_that_is_not_there_cannot_be_sealed)
{
    struct story *story = story_new();
    struct entry entry = {.kind = ENTRY_SEAL, .at = 1, .seal = {.batch = story_id(90)}};
    EXPECT_DIES(ledger_batch_seal(&story->core->ledger, &entry));
    EXPECT_DIES(ledger_batch_free(&story->core->ledger, &entry));
    story_free(story);
}
