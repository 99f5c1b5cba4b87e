#pragma once

// One job as `weft push` and `weft run` are told to submit it: flags, payload, id. Not thread-safe.

#include "cli/course.h"
#include "cli/hooks.h"
#include "lib/sys/config.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "proto/msg.h"

// Keys of one submission: what names it, and when it starts.
#define SUBMISSION_ONE_KEYS                                                                        \
    {.key = "key",                                                                                 \
     .type = CONFIG_STRING,                                                                        \
     .help = "idempotency key: the same key is the same job"},                                     \
        {.key = "dedup",                                                                           \
         .type = CONFIG_WORD,                                                                      \
         .words = "content",                                                                       \
         .help = "the same queue, type and payload is the same job"},                              \
        {.key = "delay",                                                                           \
         .type = CONFIG_DURATION,                                                                  \
         .help = "do not start before this time has passed"},                                      \
        {.key = "run-at",                                                                          \
         .type = CONFIG_STRING,                                                                    \
         .help = "do not start before this moment, like 2026-12-01T08:00:00Z"},                    \
        {.key = "traceparent",                                                                     \
         .type = CONFIG_STRING,                                                                    \
         .help = "the trace it belongs to (W3C Trace Context), handed to the handler"},            \
        {.key = "webhook-secret",                                                                  \
         .type = CONFIG_STRING,                                                                    \
         .help = "signs what goes to --webhook: whsec_…, or 'new': one is made and told"},         \
        HOOKS_KEY_FILE

// The keys of any, for the tables of push and run, and of schedules.
#define SUBMISSION_KEYS                                                                            \
    {.key = "queue", .type = CONFIG_STRING, .help = "the job's queue, if not 'default'"},          \
        {.key = "priority",                                                                        \
         .type = CONFIG_INTEGER,                                                                   \
         .min = 0,                                                                                 \
         .max = MSG_PRIORITY_MAX,                                                                  \
         .help = "0 is first; 4 when not given"},                                                  \
        {.key = "ttl",                                                                             \
         .type = CONFIG_DURATION,                                                                  \
         .min = 1,                                                                                 \
         .max = (int64_t)CHECK_DELAY_MS_MAX,                                                       \
         .help = "expires when it is not started within this time"},                               \
        COURSE_KEYS,                                                                               \
        {.key = "after",                                                                           \
         .type = CONFIG_STRING,                                                                    \
         .help = "start when these jobs or batches have ended: their ids, separated by commas"},   \
        {.key = "on-dependency-failure",                                                           \
         .type = CONFIG_WORD,                                                                      \
         .words = "cancel|run",                                                                    \
         .help = "with --after, required: what to do when one of them fails"},                     \
        {.key = "concurrency-key",                                                                 \
         .type = CONFIG_STRING,                                                                    \
         .help = "jobs of the queue with this key run one after another"},                         \
        {.key = "order",                                                                           \
         .type = CONFIG_WORD,                                                                      \
         .words = "fifo|fifo-skip",                                                                \
         .help = "with --concurrency-key: in the order of acceptance; one that waits for\n"        \
                 "a retry blocks (fifo) or lets pass (fifo-skip)"},                                \
        {.key = "cost",                                                                            \
         .type = CONFIG_INTEGER,                                                                   \
         .min = 1,                                                                                 \
         .max = MSG_COST_MAX,                                                                      \
         .help = "what it takes from the rates of its queue and key (1)"},                         \
        {.key = "tag",                                                                             \
         .type = CONFIG_STRING,                                                                    \
         .is_many = true,                                                                          \
         .help = "a tag, or several separated by commas; may be given several times"},             \
        {.key = "meta",                                                                            \
         .type = CONFIG_STRING,                                                                    \
         .is_many = true,                                                                          \
         .help = "metadata as NAME=VALUE; may be given several times"},                            \
        {.key = "webhook", .type = CONFIG_STRING, .help = "the URL that is told of its end"},      \
        {.key = "webhook-endpoint",                                                                \
         .type = CONFIG_STRING,                                                                    \
         .help = "the endpoint that is told, or whose secret signs for --webhook ('default')"},    \
        {.key = "webhook-events",                                                                  \
         .type = CONFIG_STRING,                                                                    \
         .help = "which ends, separated by commas: succeeded, dead, cancelled, expired (all)"},    \
        {.key = "unique",                                                                          \
         .type = CONFIG_STRING,                                                                    \
         .help = "refused while another unfinished job of the queue holds this key"},              \
        {.key = "unique-for",                                                                      \
         .type = CONFIG_DURATION,                                                                  \
         .min = 1000,                                                                              \
         .max = (int64_t)CHECK_KEEP_S_MAX * 1000,                                                  \
         .help = "hold the unique key for this time, not until the job's end"},                    \
        {.key = "unique-while",                                                                    \
         .type = CONFIG_WORD,                                                                      \
         .words = "unfinished",                                                                    \
         .help = "with --unique-for: hold it until the job's end as well"},                        \
    {                                                                                              \
        .key = "content", .type = CONFIG_WORD, .default_text = "auto",                             \
        .words = "auto|json|text|bytes", .help = "what the payload is"                             \
    }

struct submission {
    struct msg_submit_job job; // borrows from the settings and `payload`
    uint8_t *payload;
    size_t payload_len;
    struct id after[MSG_AFTER_MAX];
    uint8_t labels[MSG_LABELS_LEN_MAX];
    char key[MINT_CONTENT_LEN + 1]; // of --dedup
    struct hooks hooks;
    char problem[HOOKS_PROBLEM_LEN]; // after an error: a sentence
};

// What the flags say about a job, besides its type and payload.
void submission_options(struct msg_submit_job *job, const struct config *config);

// --run-at of the flags; NULL or what is wrong with it.
const char *submission_moment(struct msg_submit_job *job, const struct config *config);

// The tags and metadata of the flags, into `room` of MSG_LABELS_LEN_MAX bytes.
//   ERR_BAD_FIELD, ERR_TOO_LARGE   see *out_detail
MUST_USE err submission_labels(const struct config *config, uint8_t *room, struct slice *out_labels,
                               const char **out_detail);

// Fills in the job of settings with SUBMISSION_KEYS; the arguments are TYPE and the payload, given
// as it is, as @FILE, or as '-' for standard input. Its id is minted here, once.
//   ERR_BAD_FIELD, ERR_TOO_LARGE, ERR_NO_MEMORY, ERR_SYSTEM   see problem
MUST_USE err submission_read(struct submission *submission, const struct config *config);
// The same when TYPE is the argument at `place`, from 0.
MUST_USE err submission_read_from(struct submission *submission, const struct config *config,
                                  uint32_t place);
// Also after an error.
void submission_deinit(struct submission *submission);

// Gives a job that is known by its content the key of it; `room` must live as long.
void submission_give_key(struct msg_submit_job *job, char room[MINT_CONTENT_LEN + 1]);

// The id of a job with its queue and key: derived, or fresh when there is no key.
struct id submission_mint(const struct msg_submit_job *job);

// A fresh id of the broker's time, when it has refused the one before for its time. False: nothing
// is to be done.
bool submission_mint_again(struct msg_submit_job *job, const struct msg_submitted_job *said);

// What bytes are when nobody says it: JSON if they parse, text if they are UTF-8, else bytes.
enum content submission_content(struct slice bytes);
