#pragma once

// Makes batches of writes as the core would, without a core: for tests and benches of the store.
// Everything about a job follows from its number, so a reader can tell whether what it finds is
// whole. Header only; the room is the caller's.

#include "broker/core/effects.h"
#include "lib/base/prng.h"

#include <stdio.h>

enum {
    BATCHER_WRITES_MAX = 4096,
    BATCHER_JOBS_MAX = 4096, // bodies and outcomes of one batch
    BATCHER_TEXT_LEN = 512,
};

struct batcher {
    struct ledger_row ledger;
    when_ms now;
    size_t payload_len;
    bool has_lane;
    uint32_t write_count;
    uint32_t job_count;
    struct write writes[BATCHER_WRITES_MAX];
    struct msg_submit_job submits[BATCHER_JOBS_MAX];
    struct msg_finish_job finishes[BATCHER_JOBS_MAX];
    char texts[BATCHER_JOBS_MAX][BATCHER_TEXT_LEN];
};

static inline void batcher_init(struct batcher *batcher, size_t payload_len)
{
    memset(batcher, 0, sizeof *batcher);
    batcher->ledger.epoch = 1;
    batcher->ledger.job_no_next = 1;
    batcher->now = INT64_C(1800000000000);
    batcher->payload_len = payload_len < BATCHER_TEXT_LEN ? payload_len : BATCHER_TEXT_LEN;
}

static inline struct write *batcher_write(struct batcher *batcher, enum write_kind kind)
{
    CHECK(batcher->write_count < BATCHER_WRITES_MAX);
    struct write *write = &batcher->writes[batcher->write_count++];
    memset(write, 0, sizeof *write);
    write->kind = kind;
    return write;
}

static inline void batcher_begin(struct batcher *batcher)
{
    batcher->write_count = 0;
    batcher->job_count = 0;
    batcher->now++;
    if (batcher->has_lane)
        return;
    batcher->has_lane = true;
    batcher_write(batcher, WRITE_LANE)->lane =
        (struct lane_row){.queue = slice_of_text("default"), .type = slice_of_text("test")};
    batcher_write(batcher, WRITE_POLICY)->policy = (struct write_policy){
        .policy = {.timeout_ms = 30000, .keep_s = 60, .dedup_s = 120, .max_attempts = 25}};
}

// The text of a job: its number over and over, so that no part of it fits another job.
static inline void batcher_text(uint64_t no, char *out, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t mixed = prng_mix(no << 16 | i);
        memcpy(out + i, &mixed, len - i < 8 ? len - i : 8);
    }
}

static inline struct id batcher_id(uint64_t no, bool is_keyed, when_ms now)
{
    uint8_t hash[16];
    uint64_t high = prng_mix(no);
    uint64_t low = prng_mix(high);
    memcpy(hash, &high, 8);
    memcpy(hash + 8, &low, 8);
    return is_keyed ? id_v8(77, hash) : id_v7(now, 77, low);
}

static inline void batcher_put(struct batcher *batcher, const struct job_row *row, bool is_new)
{
    batcher_write(batcher, WRITE_JOB)->job = (struct write_job){.row = *row, .is_new = is_new};
}

// A new job in state queued; its row is put down by batcher_put() when the batch has done with it.
static inline struct job_row batcher_submit(struct batcher *batcher, bool is_keyed)
{
    CHECK(batcher->job_count < BATCHER_JOBS_MAX);
    uint64_t no = batcher->ledger.job_no_next++;
    uint32_t place = batcher->job_count++;
    char *text = batcher->texts[place];
    batcher_text(no, text, batcher->payload_len);
    batcher->submits[place] = (struct msg_submit_job){
        .queue = slice_of_text("default"),
        .type = slice_of_text("test"),
        .priority = MSG_PRIORITY_NOT_GIVEN,
        .payload = {.content = CONTENT_BYTES, .bytes = slice_of(text, batcher->payload_len)}};
    batcher_write(batcher, WRITE_BODY)->body =
        (struct write_body){.job_no = no, .job = &batcher->submits[place]};
    batcher->ledger.accepted++;
    batcher->ledger.counts[JOB_QUEUED]++;
    return (struct job_row){.id = batcher_id(no, is_keyed, batcher->now),
                            .no = no,
                            .fingerprint = prng_mix(no),
                            .accepted_at = batcher->now,
                            .due_at = batcher->now,
                            .dedup_until = batcher->now + 120000,
                            .version = 1,
                            .body_len = (uint32_t)batcher->payload_len,
                            .state = JOB_QUEUED,
                            .priority = 4};
}

static inline void batcher_move(struct batcher *batcher, struct job_row *row, enum job_state to)
{
    batcher->ledger.counts[row->state]--;
    batcher->ledger.counts[to]++;
    row->state = (uint8_t)to;
    row->version++;
}

static inline void batcher_grant(struct batcher *batcher, struct job_row *row)
{
    row->token = UINT64_C(1) << 40 | ++batcher->ledger.token_counter;
    row->granted_at = batcher->now;
    row->worker = (struct id){.bytes = {0xaa, 1}};
    row->lease_ms = 30000;
    row->token_use = TOKEN_OPEN;
    batcher_move(batcher, row, JOB_RUNNING);
}

// `result_len` 0: a success without a result.
static inline void batcher_finish(struct batcher *batcher, struct job_row *row, size_t result_len)
{
    CHECK(batcher->job_count < BATCHER_JOBS_MAX && result_len <= BATCHER_TEXT_LEN);
    uint32_t place = batcher->job_count++;
    char *text = batcher->texts[place];
    batcher_text(row->no, text, result_len);
    batcher->finishes[place] =
        (struct msg_finish_job){.job_id = row->id,
                                .token = row->token,
                                .outcome = OUTCOME_SUCCEEDED,
                                .result = {.content = result_len > 0 ? CONTENT_BYTES : CONTENT_NONE,
                                           .bytes = slice_of(text, result_len)}};
    batcher_write(batcher, WRITE_OUTCOME)->outcome =
        (struct write_outcome){.job_no = row->no, .finish = &batcher->finishes[place]};
    row->token_use = TOKEN_FINISHED;
    row->due_at = 0;
    row->ended_at = batcher->now;
    row->remove_at = batcher->now + 60000;
    batcher_move(batcher, row, JOB_SUCCEEDED);
}

static inline void batcher_close(struct batcher *batcher)
{
    batcher->ledger.store_time = batcher->now;
    batcher->ledger.digest = prng_mix(batcher->ledger.digest + batcher->write_count);
    batcher_write(batcher, WRITE_LEDGER)->ledger = batcher->ledger;
}
