// Each field by itself; what they mean together is in submit_test.c.

#include "gateway/core/submit_fields.h"

#include "tests/support/test.h"

static _Alignas(16) uint8_t memory[8 * 1024];
static struct arena arena;
static struct submit_fault fault;
static struct msg_submit_job job;

static err read_one(enum submit_fields_of object, const char *name, const char *value)
{
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    job = (struct msg_submit_job){0};
    const struct submit_fields_context context = {&arena, &job, NULL};
    const struct doc_member member = {slice_of_text(name), {DOC_JSON, slice_of_text(value)}};
    fault.detail[0] = '\0';
    return submit_fields_read(&context, object, &member, &fault);
}

TEST(submit_fields, a_name_belongs_to_its_object)
{
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "priority", "7"), OK);
    EXPECT_EQ(job.priority, 7);
    EXPECT_EQ(read_one(SUBMIT_FIELDS_RETRY, "max_attempts", "7"), OK);
    EXPECT_EQ(job.max_attempts, 7);
    EXPECT_EQ(read_one(SUBMIT_FIELDS_UNIQUE, "key", "\"k\""), OK);
    EXPECT(slice_is_text(job.unique_key, "k"));
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "max_attempts", "7"), ERR_BAD_FIELD);
    EXPECT_EQ(read_one(SUBMIT_FIELDS_RETRY, "priority", "7"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "retry.priority is no field of a job; known: max_attempts, "
                             "max_crashes, first, longest, factor, within");
}

TEST(submit_fields, a_span_out_of_range_is_told_the_range)
{
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "timeout", "\"49d\""), OK);
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "timeout", "\"1ms\""), OK);
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "timeout", "\"50d\""), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "timeout must be from 1ms to 49d");
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "timeout", "\"0s\""), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "timeout must be from 1ms to 49d");
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "keep", "\"10ms\""), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "keep must be at least one second");
    EXPECT_EQ(read_one(SUBMIT_FIELDS_JOB, "delay", "5"), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail,
               "delay must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"");
}

TEST(submit_fields, what_an_object_looks_like_is_said_by_example)
{
    EXPECT(strstr(submit_fields_rule(SUBMIT_FIELDS_RETRY), "max_attempts") != NULL);
    EXPECT(strstr(submit_fields_rule(SUBMIT_FIELDS_UNIQUE), "key") != NULL);
}
