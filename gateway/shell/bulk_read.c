// Bulk bodies: records into jobs, verdicts for those that are none.

#include "gateway/core/shape.h"
#include "gateway/shell/bulk_private.h"
#include "lib/base/check.h"
#include "proto/hook.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    KEY_LEN_MAX = 256,
    // What is made of a record, besides decoded texts.
    RECORD_ROOM = KEY_LEN_MAX * 8 + MSG_AFTER_MAX * sizeof(struct id) + 2 * MSG_LABELS_LEN_MAX +
                  3 * MSG_HOOK_LEN_MAX,
};

static struct slice copied(struct slice text)
{
    uint8_t *copy = text.len > 0 ? malloc(text.len) : NULL;
    if (copy == NULL)
        return (struct slice){0};
    memcpy(copy, text.data, text.len);
    return slice_of(copy, text.len);
}

bool bulk_reject(struct load *load, uint32_t line, const struct problem *problem)
{
    if (load->rejected_count == load->rejected_cap) {
        uint32_t cap = load->rejected_cap > 0 ? load->rejected_cap * 2 : 16;
        struct verdict *grown = realloc(load->rejected, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        load->rejected = grown;
        load->rejected_cap = cap;
    }
    load->rejected[load->rejected_count++] =
        (struct verdict){.line = line,
                         .error = problem->error,
                         .detail = copied(problem->detail),
                         .violations = copied(problem->violations)};
    return true;
}

// An arena with at least `len` bytes left.
static struct arena *room_for(struct load *load, size_t len)
{
    CHECK(len <= BULK_CHUNK_LEN / 2);
    struct chunk *chunk = load->chunks;
    if (chunk != NULL && chunk->arena.cap - chunk->arena.used >= len + 16)
        return &chunk->arena;
    chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return NULL;
    chunk->next = load->chunks;
    chunk->arena = (struct arena){.data = chunk->bytes, .cap = sizeof chunk->bytes};
    load->chunks = chunk;
    return &chunk->arena;
}

static bool grow_jobs(struct load *load)
{
    if (load->job_count < load->job_cap)
        return true;
    uint32_t cap = load->job_cap > 0 ? load->job_cap * 2 : 64;
    struct msg_submit_job *jobs = realloc(load->jobs, cap * sizeof *jobs);
    if (jobs != NULL)
        load->jobs = jobs;
    uint32_t *lines = realloc(load->lines, cap * sizeof *lines);
    if (lines != NULL)
        load->lines = lines;
    if (jobs == NULL || lines == NULL)
        return false;
    load->job_cap = cap;
    return true;
}

// "KEY#line" for a record that has no key of its own.
static bool derive_key(const struct load *load, struct arena *arena, uint32_t line,
                       struct msg_submit_job *job)
{
    if (job->key.len > 0 || load->key.len == 0)
        return true;
    char *room = arena_take(arena, KEY_LEN_MAX);
    if (room == NULL)
        return false;
    int len = snprintf(room, KEY_LEN_MAX, "%.*s#%u", (int)load->key.len,
                       (const char *)load->key.data, line);
    CHECK(len > 0 && len < KEY_LEN_MAX);
    job->key = slice_of(room, (size_t)len);
    return true;
}

// Another job waits in the spool under its key, also when there is a broker again.
static bool is_spooled_otherwise(const struct load *load, const struct msg_submit_job *job)
{
    const struct gateway *gateway = load->bulk->gateway;
    return spool_waiting(gateway->spool) > 0 &&
           spool_door_conflicts(gateway, job, posting_fingerprint(job));
}

static bool add_job(struct load *load, struct arena *arena, uint32_t line,
                    struct msg_submit_job *job)
{
    if (!grow_jobs(load) || !derive_key(load, arena, line, job))
        return false;
    posting_mint(load->bulk->gateway, load->tenant, job);
    if (is_spooled_otherwise(load, job))
        return bulk_reject(load, line, &(struct problem){.error = ERR_KEY_REUSED});
    job->traceparent = posting_trace(load->request);
    job->batch_id = load->batch_id;
    job->batch_webhook = load->webhook; // any of them may become the first that is accepted
    job->batch_fingerprint = load->fingerprint;
    job->batch_index = line - 1;
    load->lines[load->job_count] = line;
    load->jobs[load->job_count++] = *job;
    return true;
}

struct sealed {
    const char *field;
    struct webhook_secret *secret;
    struct slice *webhook;
};

// All new secrets of a batch are one, so that the answer can tell it.
static err seal(struct load *load, struct arena *arena, const struct sealed *sealed,
                struct submit_fault *fault)
{
    const struct sealer *sealer = &load->bulk->gateway->sealer;
    const struct sealer_name name = {sealed->field, load->tenant, &load->batch_id};
    err e = sealer_make(sealer, &name, sealed->secret, fault);
    if (e != OK)
        return e;
    if (sealed->secret->is_new)
        load->secret = *sealed->secret;
    return sealer_seal(sealer, sealed->secret, arena, sealed->webhook);
}

// The webhook of the batch, which its first record says. A batch that nobody would be told of is not
// what its client wants, so a bad one refuses the whole.
static err read_webhook(struct load *load, struct slice first)
{
    struct webhook_secret secret;
    const char *detail = NULL;
    struct submit_fault *fault = &load->fault;
    struct arena *arena = room_for(load, RECORD_ROOM);
    fault->detail[0] = '\0';
    if (arena == NULL)
        return ERR_NO_MEMORY;
    struct doc_room room = {load->bulk->scratch->keys, SCRATCH_KEYS_MAX, arena};
    err e = submit_read_batch((struct doc_value){DOC_JSON, first}, &room,
                              &(struct webhook_place){&load->webhook, &secret, true}, fault);
    if (e != OK || load->webhook.len == 0)
        return e;
    e = hook_check(load->webhook, &detail);
    if (e != OK)
        (void)snprintf(fault->detail, sizeof fault->detail, "batch_%s", detail);
    if (e == OK)
        e = sealer_judge_url("batch_webhook.", load->webhook, fault);
    if (e == OK)
        e = seal(load, arena, &(struct sealed){"batch_webhook.", &secret, &load->webhook}, fault);
    return e;
}

// False: out of memory.
static bool read_record(struct load *load, struct slice record, uint32_t line)
{
    struct msg_submit_job job;
    struct submit_fault fault;
    struct arena *arena = room_for(load, RECORD_ROOM);
    if (arena == NULL)
        return false;
    struct doc_room room = {load->bulk->scratch->keys, SCRATCH_KEYS_MAX, arena};
    struct webhook_secret secret;
    err e = posting_read((struct doc_value){DOC_JSON, record},
                         &(struct submit_options){.is_record = true,
                                                  .opens_batch = line == load->first_line,
                                                  .secret = &secret},
                         &room, &job, &fault);
    if (e == OK)
        e = seal(load, arena, &(struct sealed){"webhook.", &secret, &job.webhook}, &fault);
    if (e == ERR_NO_MEMORY)
        return false;
    const char *lesson = e != OK && load->has_lines ? shape_of_line(record) : NULL;
    if (lesson != NULL)
        (void)slice_to_text(slice_of_text(lesson), fault.detail, sizeof fault.detail);
    if (e != OK)
        return bulk_reject(load, line,
                           &(struct problem){.error = e, .detail = slice_of_text(fault.detail)});
    return add_job(load, arena, line, &job);
}

err bulk_read_records(struct load *load, enum records_form form, const char **out_detail)
{
    struct records records;
    bool more = true;
    struct slice record;
    load->has_lines = form == RECORDS_LINES;
    records_init(&records, form,
                 (struct scan){.text = load->request->body,
                               .keys = load->bulk->scratch->keys,
                               .key_cap = SCRATCH_KEYS_MAX});
    for (uint32_t count = 0; more; count++) {
        err e = records_next(&records, &more, &record);
        *out_detail = e == OK ? "" : records.scan.fault;
        if (e != OK && count == 0 && shape_of_array(load->request->body) != NULL)
            *out_detail = shape_of_array(load->request->body);
        if (e != OK || !more)
            return e;
        *out_detail = "a batch has at most 10000 records";
        if (count == BULK_RECORDS_MAX)
            return ERR_TOO_LARGE;
        if (count == 0) {
            load->first_line = records.line;
            e = read_webhook(load, record);
            *out_detail = load->fault.detail;
        }
        if (e != OK)
            return e;
        *out_detail = "";
        if (!read_record(load, record, records.line))
            return ERR_NO_MEMORY;
    }
    return OK;
}
