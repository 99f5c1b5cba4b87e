// The bytes behind a fingerprint.

#include "proto/identity.h"

#include "lib/base/check.h"
#include "proto/hook.h"
#include "proto/labels.h"

// Numbers of the fields of SubmitJob in weft.proto.
enum {
    FIELD_QUEUE = 3,
    FIELD_TYPE = 4,
    FIELD_PAYLOAD = 5,
    FIELD_PRIORITY = 6,
    FIELD_DELAY = 7,
    FIELD_RUN_AT = 8,
    FIELD_TIMEOUT = 9,
    FIELD_MAX_ATTEMPTS = 10,
    FIELD_MAX_CRASHES = 11,
    FIELD_RETRY_FIRST = 12,
    FIELD_RETRY_LONGEST = 13,
    FIELD_RETRY_FACTOR = 14,
    FIELD_KEEP = 15,
    FIELD_TTL = 19,
    FIELD_RETRY_WITHIN = 20,
    FIELD_UNIQUE_KEY = 21,
    FIELD_UNIQUE_FOR = 22,
    FIELD_UNIQUE_WHILE = 23,
    FIELD_CONCURRENCY_KEY = 24,
    FIELD_ORDER = 25,
    FIELD_COST = 26,
    FIELD_AFTER = 27,
    FIELD_ON_FAILURE = 28,
    FIELD_TAGS = 29, // of labels
    FIELD_METADATA = 30,
    FIELD_WEBHOOK = 130, // 30 is taken
};

static void put_text(struct bytes_out *out, uint8_t field, struct slice text)
{
    if (text.len == 0)
        return;
    bytes_put_u8(out, field);
    bytes_put_slice(out, text);
}

static void put_always(struct bytes_out *out, uint8_t field, uint64_t number)
{
    bytes_put_u8(out, field);
    bytes_put_u64(out, number);
}

static void put_number(struct bytes_out *out, uint8_t field, uint64_t number)
{
    if (number != 0)
        put_always(out, field, number);
}

static void put_ids(struct bytes_out *out, uint8_t field, const struct msg_ids *ids)
{
    if (ids->count == 0)
        return;
    bytes_put_u8(out, field);
    bytes_put_u32(out, ids->count);
    for (uint32_t i = 0; i < ids->count; i++)
        bytes_put(out, ids->items[i].bytes, sizeof ids->items[i].bytes);
}

// A place in sorted order is the number of those before it, which are at most a few.
static void put_tags(struct bytes_out *out, const struct labels *labels)
{
    const struct slice *order[MSG_TAGS_MAX];
    for (uint32_t i = 0; i < labels->tag_count; i++) {
        uint32_t place = 0;
        for (uint32_t j = 0; j < labels->tag_count; j++)
            place += labels_compare(labels->tags[j], labels->tags[i]) < 0;
        order[place] = &labels->tags[i];
    }
    if (labels->tag_count == 0)
        return;
    bytes_put_u8(out, FIELD_TAGS);
    bytes_put_u32(out, labels->tag_count);
    for (uint32_t i = 0; i < labels->tag_count; i++)
        bytes_put_slice(out, *order[i]);
}

static void put_metadata(struct bytes_out *out, const struct labels *labels)
{
    const struct labels_pair *order[MSG_METADATA_MAX];
    for (uint32_t i = 0; i < labels->pair_count; i++) {
        uint32_t place = 0;
        for (uint32_t j = 0; j < labels->pair_count; j++)
            place += labels_compare(labels->pairs[j].name, labels->pairs[i].name) < 0;
        order[place] = &labels->pairs[i];
    }
    if (labels->pair_count == 0)
        return;
    bytes_put_u8(out, FIELD_METADATA);
    bytes_put_u32(out, labels->pair_count);
    for (uint32_t i = 0; i < labels->pair_count; i++) {
        bytes_put_slice(out, order[i]->name);
        bytes_put_slice(out, order[i]->value);
    }
}

// Sets have no order: who sends them from a hash table sends another one each time.
static void put_labels(struct bytes_out *out, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    if (packed.len == 0)
        return;
    err e = labels_read(packed, &labels, &detail);
    CHECK(e == OK); // check_submit_job() has read them
    put_tags(out, &labels);
    put_metadata(out, &labels);
}

// A secret is sealed anew each time that the same is asked.
static void put_webhook(struct bytes_out *out, struct slice packed)
{
    struct hook hook;
    const char *detail = NULL;
    if (packed.len == 0)
        return;
    err e = hook_read(packed, &hook, &detail);
    CHECK(e == OK); // check_submit_job() has read it
    put_text(out, FIELD_WEBHOOK, hook.url);
    put_text(out, FIELD_WEBHOOK + 1, hook.endpoint);
    put_always(out, FIELD_WEBHOOK + 2, hook.events);
}

void identity_put_options(struct bytes_out *out, const struct msg_submit_job *job)
{
    static const char label[] = "weft/fingerprint/1";
    bytes_put(out, label, sizeof label - 1);
    put_text(out, FIELD_QUEUE, job->queue);
    put_text(out, FIELD_TYPE, job->type);
    put_number(out, FIELD_PAYLOAD, job->payload.content);
    // A priority of 0 is one that was given.
    if (job->priority != MSG_PRIORITY_NOT_GIVEN)
        put_always(out, FIELD_PRIORITY, job->priority);
    put_number(out, FIELD_DELAY, job->delay_ms);
    put_number(out, FIELD_RUN_AT, (uint64_t)job->run_at);
    put_number(out, FIELD_TIMEOUT, job->timeout_ms);
    put_number(out, FIELD_MAX_ATTEMPTS, job->max_attempts);
    put_number(out, FIELD_MAX_CRASHES, job->max_crashes);
    put_number(out, FIELD_RETRY_FIRST, job->retry_first_ms);
    put_number(out, FIELD_RETRY_LONGEST, job->retry_longest_ms);
    put_number(out, FIELD_RETRY_FACTOR, job->retry_factor_milli);
    put_number(out, FIELD_KEEP, job->keep_s);
    put_number(out, FIELD_TTL, job->ttl_ms);
    put_number(out, FIELD_RETRY_WITHIN, job->retry_within_s);
    put_text(out, FIELD_UNIQUE_KEY, job->unique_key);
    put_number(out, FIELD_UNIQUE_FOR, job->unique_for_s);
    put_number(out, FIELD_UNIQUE_WHILE, job->unique_while_unfinished);
    put_text(out, FIELD_CONCURRENCY_KEY, job->concurrency_key);
    put_number(out, FIELD_ORDER, job->order);
    put_number(out, FIELD_COST, job->cost);
    put_ids(out, FIELD_AFTER, &job->after);
    put_number(out, FIELD_ON_FAILURE, job->on_dependency_failure);
    put_labels(out, job->labels);
    put_webhook(out, job->webhook);
}

uint64_t identity_fingerprint(const struct msg_submit_job *job, identity_hash *hash)
{
    uint8_t room[IDENTITY_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    identity_put_options(&out, job);
    CHECK(!out.full);
    return hash(slice_of(room, out.len), job->payload.bytes);
}

void identity_put_schedule(struct bytes_out *out, const struct msg_schedule *given)
{
    static const char label[] = "weft/schedule/1";
    bytes_put(out, label, sizeof label - 1);
    bytes_put_slice(out, given->schedule_id);
    bytes_put_slice(out, given->cron);
    bytes_put_slice(out, given->zone);
    bytes_put_u8(out, (uint8_t)given->overlap);
    bytes_put_u8(out, (uint8_t)given->catch_up);
    bytes_put_u64(out, given->jitter_ms);
}
