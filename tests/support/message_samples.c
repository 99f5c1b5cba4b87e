// One sample of each kind of message, written out, so that a wrong row in proto/wire_shapes.c
// shows.

#include "tests/support/messages.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .data = (const uint8_t *)(literal), .len = sizeof(literal) - 1                             \
    }
#define ID(n)                                                                                      \
    {                                                                                              \
        {                                                                                          \
            (n), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15                                 \
        }                                                                                          \
    }

static const struct msg_held helds[] = {{ID(0xa1), 0x0102030405060708u}, {ID(0xa2), 2}};

static const struct id parents[] = {ID(0xa3), ID(0xa4)};

#define LABELS TEXT("\x0a\7billing\x12\6\x0a\1k\x12\1v")
static struct msg_submit_job submit_jobs[] = {
    {.job_id = ID(0xb1),
     .key = TEXT("order-1001"),
     .queue = TEXT("mail"),
     .type = TEXT("send"),
     .payload = {CONTENT_JSON, TEXT("{\"to\":1}")},
     .priority = 0,
     .delay_ms = 1001,
     .run_at = 1002,
     .timeout_ms = 1003,
     .max_attempts = 1004,
     .max_crashes = 1005,
     .retry_first_ms = 1006,
     .retry_longest_ms = 1007,
     .retry_factor_milli = 1008,
     .keep_s = 1009,
     .batch_id = ID(0xb2),
     .batch_index = 1010,
     .traceparent = TEXT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
     .ttl_ms = 1011,
     .retry_within_s = 1012,
     .unique_key = TEXT("inv-7"),
     .unique_for_s = 1011,
     .unique_while_unfinished = true,
     .after = {parents, 2},
     .on_dependency_failure = ON_FAILURE_RUN,
     .concurrency_key = TEXT("tenant-42"),
     .cost = 8301,
     .order = ORDER_FIFO_SKIP,
     .labels = LABELS,
     .webhook = TEXT("\x0a\x0fhttps://a.test/\x12\3ops\x18\x60"),
     .batch_webhook = TEXT("\x0a\x0fhttps://b.test/\x22\1\3"),
     .batch_fingerprint = 0x8102030405060708},
    {.job_id = ID(0xb3), .type = TEXT("resize"), .priority = MSG_PRIORITY_NOT_GIVEN},
};

static const struct msg_submitted_job submitted_jobs[] = {
    {.job_id = ID(0xc1),
     .error = ERR_FULL,
     .replayed = true,
     .state = JOB_RUNNING,
     .created_at = 2001,
     .dedup_until = 2002,
     .retry_after_ms = 2003,
     .detail = TEXT("job_count_max is reached"),
     .holder_id = ID(0xc3),
     .violations = TEXT("[{\"path\":\"/a\"}]")},
    {.job_id = ID(0xc2), .state = JOB_QUEUED},
};

static const struct slice types[] = {TEXT("send"), TEXT("resize")};
static const struct slice queues[] = {TEXT("mail")};

static const struct msg_job jobs[] = {
    {.job_id = ID(0xd1),
     .token = 3001,
     .type = TEXT("send"),
     .queue = TEXT("mail"),
     .attempt = 3002,
     .timeout_ms = 3003,
     .payload = {CONTENT_MSGPACK, TEXT("\x81\x01\x02")},
     .traceparent = TEXT("00-1-2-3"),
     .generation = 3004,
     .log_count = 3006,
     .after = {parents, 1},
     .labels = LABELS,
     .intent = TEXT("\x10\x07\x1a\x08job.dead\x22\3ops")},
    {.job_id = ID(0xd2), .token = 3005, .payload = {CONTENT_BYTES, TEXT("\0\1\2")}},
};

static const struct msg_progress progress[] = {{.job_id = ID(0xe1),
                                                .token = 4001,
                                                .done = 4002,
                                                .total = 4003,
                                                .text = TEXT("row 3 of 7"),
                                                .extend_ms = 4004}};

static const struct msg_finish_job finish_jobs[] = {
    {.job_id = ID(0xf1),
     .token = 5001,
     .outcome = OUTCOME_FAILED,
     .result = {CONTENT_TEXT, TEXT("half")},
     .error_kind = TEXT("exit"),
     .error_message = TEXT("status 3"),
     .error_detail = TEXT("no such file\n"),
     .retry_after_ms = 5002,
     .resent = true,
     .progress = {.done = 5004, .total = 5005, .text = TEXT("row 4 of 7")}},
    {.job_id = ID(0xf2), .token = 5003, .outcome = OUTCOME_SUCCEEDED},
};

static const struct msg_finished_job finished_jobs[] = {
    {.job_id = ID(0xf3), .token = 6001, .error = ERR_STALE_LEASE},
    {.job_id = ID(0xf4), .token = 6002},
};

static struct msg_submit_job schedule_jobs[] = {{.queue = TEXT("mail"),
                                                 .type = TEXT("report"),
                                                 .payload = {CONTENT_JSON, TEXT("[1]")},
                                                 .priority = 3,
                                                 .max_attempts = 7701}};

static const struct msg_moment moments[] = {{7702}, {7703}};

#define SCHEDULE(has_jobs)                                                                         \
    {                                                                                              \
        .schedule_id = TEXT("nightly"), .cron = TEXT("0 3 * * *"), .zone = TEXT("Europe/Berlin"),  \
        .overlap = OVERLAP_QUEUE, .catch_up = CATCH_UP_ALL, .jitter_ms = 7704, .paused = true,     \
        .jobs = (has_jobs) ? schedule_jobs : NULL, .job_count = (has_jobs)                         \
    }
#define SCHEDULE_STATE                                                                             \
    {                                                                                              \
        .generation = 7705, .created_at = 7706, .since_at = 7707, .last_at = 7708,                 \
        .held_at = 7709, .last_job_id = ID(0x31), .fired_count = 7710, .skipped_count = 7711       \
    }

static const struct msg_schedule_line schedule_lines[] = {{.given = SCHEDULE(0),
                                                           .is = SCHEDULE_STATE,
                                                           .queue = TEXT("mail"),
                                                           .type = TEXT("report"),
                                                           .next_at = 7712}};
static const struct msg_worker_line worker_lines[] = {{ID(0x27), TEXT("w1"), TEXT("resize,send"),
                                                       TEXT("mail"), 7719, 7720, true, true,
                                                       DRAIN_STOP, 7721}};
#define DEFAULTS                                                                                   \
    {                                                                                              \
        .timeout_ms = 8003, .max_attempts = 8004, .max_crashes = 8005, .retry_first_ms = 8006,     \
        .retry_longest_ms = 8007, .retry_factor_milli = 8008, .retry_within_s = 8009,              \
        .keep_s = 8010                                                                             \
    }
#define QUEUE_SETTINGS                                                                             \
    {                                                                                              \
        .weight = 8001, .open_max = 8002, .running_max = 8011, .key_running_max = 8012,            \
        .rate = {8013, 8014}, .key_rate = {8015, 8016}, .defaults = DEFAULTS                       \
    }

static const struct msg_type type_lines[] = {{TEXT("send"), DEFAULTS, {CONTENT_JSON, TEXT("{}")}},
                                             {.type = TEXT("test")}};

static const struct msg_queue queue_lines[] = {
    {.queue = TEXT("mail"),
     .settings = QUEUE_SETTINGS,
     .paused = DIRECTION_BOTH,
     .counts = {0, 8201, 8202, 8203, 8204, 8205, 8206, 8207, 8208, 8209}},
    {.queue = TEXT("web")}};

#define WEBHOOK                                                                                    \
    {                                                                                              \
        .webhook_id = TEXT("ops"), .url = TEXT("https://a.test/"), .events = 1u << JOB_DEAD,       \
        .types = TEXT("send,resize"), .tags = TEXT("billing"), .headers = TEXT("X-Team: ops")      \
    }
static const struct msg_webhook_line webhook_lines[] = {{.given = WEBHOOK,
                                                         .disabled = true,
                                                         .reason = TEXT("410"),
                                                         .generation = 8401,
                                                         .created_at = 8402,
                                                         .rotated_at = 8403,
                                                         .before_until = 8404},
                                                        {.given = {.webhook_id = TEXT("web")}}};

#define FILTER                                                                                     \
    {                                                                                              \
        .states = 1u << JOB_DEAD, .queue = TEXT("mail"), .type = TEXT("send"),                     \
        .created_after = 7801, .created_before = 7802, .batch_id = ID(0x2f),                       \
        .tag = TEXT("billing")                                                                     \
    }
static const struct msg_listed_job listed_jobs[] = {{.job_id = ID(0x28),
                                                     .type = TEXT("send"),
                                                     .queue = TEXT("mail"),
                                                     .state = JOB_DEAD,
                                                     .version = 7902,
                                                     .priority = 7903,
                                                     .errors = 7904,
                                                     .crashes = 7905,
                                                     .interruptions = 7906,
                                                     .created_at = 7907,
                                                     .due_at = 7908,
                                                     .started_at = 7909,
                                                     .ended_at = 7910,
                                                     .batch_index = 7911}};
static const struct msg_log_line log_lines[] = {
    {.job_id = ID(0xe2), .token = 4101, .seq = 4102, .at = 4103, .text = TEXT("row 3 is odd")},
    {.job_id = ID(0xe3), .token = 4104},
};

static const struct msg_timeline_event events[] = {
    {.at = 7701, .event = TEXT("submit"), .state = JOB_QUEUED, .version = 1},
    {.at = 7702,
     .event = TEXT("fail"),
     .state = JOB_RETRYING,
     .version = 7703,
     .token = 7704,
     .worker_id = ID(0x27),
     .granted_at = 7705,
     .due_at = 7706,
     .attempt = 7707,
     .outcome = OUTCOME_FAILED,
     .actor = TEXT("ops"),
     .reason = TEXT("told so"),
     .failure = {TEXT("exit"), TEXT("status 1"), TEXT("tail\n")},
     .delivery_id = ID(0x30)},
};

static const struct msg_forecast forecast = {
    .due_at = 2011,
    .waiting_on = WAITING_NO_WORKER,
    .ahead = 2012,
    .paused = DIRECTION_OUT,
    .open_left = 2013,
    .quota_left = 2022,
    .starts_at = 2023,
    .simulation = SIMULATION_FAILED,
    .simulated = {CONTENT_JSON, TEXT("{\"would\":1}")},
    .failure = {TEXT("no-row"), TEXT("there is no row 7"), TEXT("tail\n")},
    .course = {2014, 2015, 2016, 2017, 2018, 2019, 2020, 2021}};

static const struct msg_job_event job_events[] = {{8601, 8602, ID(0x30), 8603, JOB_RUNNING, 8604,
                                                   8605, TEXT("mail"), TEXT("send"), TEXT("acme")}};

static const struct msg_operation_is listed_operations[] = {
    {.operation_id = ID(0x7c), .matched = 7803}};

static const struct msg samples[] = {
    {.kind = MSG_HELLO,
     .corr = 1,
     .hello = {.role = ROLE_WORKER,
               .name = TEXT("w1"),
               .worker_id = ID(0x11),
               .session = 7001,
               .running = {helds, 2}}},
    {.kind = MSG_WELCOME,
     .corr = 2,
     .welcome = {.broker = TEXT("weft 0.1.0"),
                 .lineage = 7101,
                 .epoch = 7102,
                 .lease_ms = 7103,
                 .renew_ms = 7104,
                 .message_bytes_max = 7105,
                 .jobs_per_message_max = 7106,
                 .lost = {helds, 1}}},
    {.kind = MSG_SUBMIT, .corr = 3, .submit = {submit_jobs, 2, true, true, 1012, true}},
    {.kind = MSG_SUBMITTED, .corr = 4, .submitted = {submitted_jobs, 2, &forecast, 1, 2004, 2005}},
    {.kind = MSG_READY,
     .corr = 5,
     .ready = {types, 2, queues, 1, 7201, 7202, true, types + 1, 1, 7203}},
    {.kind = MSG_JOBS, .jobs = {jobs, 2}},
    {.kind = MSG_RENEWED, .corr = 8, .renewed = {{helds, 2}, {helds + 1, 1}, DRAIN_QUIET}},
    {.kind = MSG_RENEW, .corr = 7, .renew = {{helds, 2}, progress, 1, log_lines, 2}},
    {.kind = MSG_FINISH, .corr = 9, .finish = {finish_jobs, 2, log_lines, 1}},
    {.kind = MSG_FINISHED, .corr = 10, .finished = {finished_jobs, 2}},
    {.kind = MSG_STATUS, .corr = 11, .status = {ID(0x21), 7301, 7302}},
    {.kind = MSG_STATUS_IS,
     .corr = 12,
     .status_is = {.error = ERR_GONE,
                   .job_id = ID(0x22),
                   .type = TEXT("send"),
                   .queue = TEXT("mail"),
                   .state = JOB_DEAD,
                   .version = 7401,
                   .priority = 7402,
                   .attempt = 7403,
                   .errors = 7404,
                   .crashes = 7405,
                   .interruptions = 7406,
                   .created_at = 7407,
                   .due_at = 7408,
                   .started_at = 7409,
                   .ended_at = 7410,
                   .expires_at = 7411,
                   .dedup_until = 7412,
                   .result = {CONTENT_JSON, TEXT("null")},
                   .failure = {TEXT("exit"), TEXT("status 65"), TEXT("bad input\n")},
                   .batch_id = ID(0x23),
                   .progress_done = 7413,
                   .progress_total = 7414,
                   .progress_text = TEXT("caf\xc3\xa9"),
                   .waiting_on = WAITING_NO_CREDIT,
                   .cancel = CANCEL_FORCED,
                   .start_before = 7415,
                   .batch_index = 7416,
                   .deadline_at = 7417,
                   .worker_id = ID(0x29),
                   .concurrency_key = TEXT("tenant-43"),
                   .cost = 8302,
                   .order = ORDER_FIFO,
                   .unique_key = TEXT("inv-8"),
                   .after = {parents, 2},
                   .labels = LABELS,
                   .on_dependency_failure = ON_FAILURE_CANCEL}},
    {.kind = MSG_BATCH_STATUS, .corr = 13, .batch_status = {ID(0x24), 7501, 7502}},
    {.kind = MSG_BATCH_STATUS_IS,
     .corr = 14,
     .batch_status_is = {.error = ERR_NOT_FOUND,
                         .batch_id = ID(0x25),
                         .created_at = 7601,
                         .version = 7602,
                         .counts = {0, 1, 2, 300, 4, 5, 6, 7, 8, 9},
                         .finished_at = 7603,
                         .is_sealed = true}},
    {.kind = MSG_BATCH_SEAL, .corr = 32, .batch_seal = {ID(0x26)}},
    {.kind = MSG_ERROR,
     .corr = 15,
     .error = {ERR_VERSION, 1500, TEXT("WEFT/9 is not spoken here")}},
    {.kind = MSG_BYE, .corr = 16, .bye = {TEXT("drained"), {helds, 2}, true}},
    {.kind = MSG_ACT,
     .corr = 17,
     .act = {.kind = ACT_CANCEL,
             .job_id = ID(0x26),
             .worker_id = ID(0x28),
             .actor = TEXT("cli"),
             .act_id = ID(0x27),
             .queue = TEXT("mail"),
             .direction = DIRECTION_OUT}},
    {.kind = MSG_ACTED,
     .corr = 18,
     .acted = {.error = ERR_CONFLICT,
               .detail = TEXT("the job has ended"),
               .state = JOB_SUCCEEDED,
               .version = 7701,
               .cancel = CANCEL_REQUESTED,
               .drain = DRAIN_STOP,
               .paused = DIRECTION_IN,
               .holder_id = ID(0x29)}},
    {.kind = MSG_QUEUE_SET,
     .corr = 25,
     .queue_set = {.queue = TEXT("mail"), .settings = QUEUE_SETTINGS, .named = 8017}},
    {.kind = MSG_QUEUE_STATUS, .corr = 26, .queue_status = {TEXT("mail"), TEXT("log"), 8101}},
    {.kind = MSG_QUEUE_STATUS_IS,
     .corr = 27,
     .queue_status_is = {.error = ERR_FULL,
                         .detail = TEXT("queue_count_max"),
                         .queues = queue_lines,
                         .count = 2,
                         .is_more = true}},
    {.kind = MSG_TYPE_SET,
     .corr = 28,
     .type_set = {.type = TEXT("send"),
                  .defaults = DEFAULTS,
                  .schema = {CONTENT_JSON, TEXT("true")},
                  .named = 8302}},
    {.kind = MSG_TYPE_STATUS, .corr = 45, .type_status = {TEXT("send"), TEXT("resize"), 8301}},
    {.kind = MSG_TYPE_STATUS_IS,
     .corr = 46,
     .type_status_is = {.error = ERR_FULL,
                        .detail = TEXT("type_count_max"),
                        .types = type_lines,
                        .count = 2,
                        .is_more = true}},
    {.kind = MSG_SCHEDULE_SET,
     .corr = 29,
     .schedule_set =
         {.act = SCHEDULE_PAUSE, .given = SCHEDULE(1), .dry_run = true, .next_count = 7713}},
    {.kind = MSG_SCHEDULE_STATUS, .corr = 30, .schedule_status = {TEXT("nightly"), 7714}},
    {.kind = MSG_SCHEDULE_STATUS_IS,
     .corr = 31,
     .schedule_status_is = {.error = ERR_FULL,
                            .detail = TEXT("schedule_count_max"),
                            .violations = TEXT("[{\"path\":\"/b\"}]"),
                            .given = SCHEDULE(1),
                            .is = SCHEDULE_STATE,
                            .next = {moments, 2}}},
    {.kind = MSG_SCHEDULE_LIST, .corr = 33, .schedule_list = {TEXT("nightly"), 7715}},
    {.kind = MSG_SCHEDULE_LISTED,
     .corr = 34,
     .schedule_listed = {.error = ERR_AGAIN,
                         .detail = TEXT("later"),
                         .schedules = schedule_lines,
                         .count = 1,
                         .is_more = true}},
    {.kind = MSG_WORKER_LIST, .corr = 43, .worker_list = {7716, 7717}},
    {.kind = MSG_WORKER_LISTED,
     .corr = 44,
     .worker_listed = {.workers = worker_lines, .count = 1, .cursor = 7718}},
    {.kind = MSG_LIST,
     .corr = 23,
     .list = {.filter = FILTER,
              .limit = 7803,
              .cursor = 7804,
              .told_of = ID(0x33),
              .told_of_batch = true}},
    {.kind = MSG_LISTED,
     .corr = 24,
     .listed = {.error = ERR_FULL, .jobs = listed_jobs, .count = 1, .cursor = 7901}},
    {.kind = MSG_OPERATE,
     .corr = 35,
     .operate = {.kind = ACT_PURGE,
                 .operation_id = ID(0x2c),
                 .filter = FILTER,
                 .actor = TEXT("ops"),
                 .dry_run = true,
                 .cursor = 8001,
                 .rate = 8011}},
    {.kind = MSG_OPERATION, .corr = 36, .operation = {ID(0x2d), 8002, 8003}},
    {.kind = MSG_OPERATION_IS,
     .corr = 37,
     .operation_is = {ERR_NOT_FOUND, TEXT("no such operation"), ID(0x2e), ACT_RETRY, FILTER,
                      TEXT("ops"), 8004, 8005, 8006, 8007, 8008, true, 8009, 8010, 8012,
                      TEXT("boss")}},
    {.kind = MSG_OPERATION_LIST, .corr = 49, .operation_list = {7801, ID(0x7b), 7802}},
    {.kind = MSG_OPERATION_LISTED,
     .corr = 50,
     .operation_listed = {ERR_NOT_FOUND, listed_operations, 1, true}},
    {.kind = MSG_WEBHOOK_SET,
     .corr = 60,
     .webhook_set = {.act = WEBHOOK_ROTATE,
                     .given = WEBHOOK,
                     .secret = TEXT("\x01\x02"),
                     .overlap_s = 8405,
                     .reason = TEXT("told so"),
                     .test_id = ID(0x32),
                     .actor = TEXT("me")}},
    {.kind = MSG_WEBHOOK_STATUS, .corr = 61, .webhook_status = {TEXT("ops"), TEXT("a"), 8406}},
    {.kind = MSG_WEBHOOK_STATUS_IS,
     .corr = 62,
     .webhook_status_is = {.error = ERR_FULL,
                           .detail = TEXT("endpoint_count_max"),
                           .webhooks = webhook_lines,
                           .count = 2,
                           .is_more = true,
                           .signs = true}},
    {.kind = MSG_TIMELINE, .corr = 19, .timeline = {ID(0x28)}},
    {.kind = MSG_TIMELINE_IS,
     .corr = 20,
     .timeline_is = {.error = ERR_GONE,
                     .job_id = ID(0x29),
                     .version = 7801,
                     .state = JOB_RUNNING,
                     .dropped = 7802,
                     .events = events,
                     .event_count = 2}},
    {.kind = MSG_LOG, .corr = 21, .log = {ID(0x2a), 7901}},
    {.kind = MSG_LOG_IS,
     .corr = 22,
     .log_is = {.error = ERR_NOT_FOUND,
                .job_id = ID(0x2b),
                .version = 7902,
                .state = JOB_SUCCEEDED,
                .count = 7903,
                .lines = log_lines,
                .line_count = 2}},
    {.kind = MSG_SIMULATE, .corr = 51, .simulate = {jobs, 1, 7204}},
    {.kind = MSG_SIMULATED,
     .corr = 52,
     .simulated = {true,
                   {CONTENT_JSON, TEXT("{\"would\":2}")},
                   {TEXT("no-row"), TEXT("there is no row 8"), TEXT("end\n")}}},
    {.kind = MSG_WATCH,
     .corr = 47,
     .watch = {.since = {8401, 8402, 8403, 8404},
               .limit = 8405,
               .wait_ms = 8406,
               .states = 8407,
               .queue = TEXT("mail"),
               .type = TEXT("send"),
               .job_id = ID(0x2f),
               .all_tenants = true}},
    {.kind = MSG_EVENT,
     .corr = 48,
     .event = {.gap = true,
               .next = {8501, 8502, 8503, 8504},
               .oldest_position = 8505,
               .oldest_index = 8506,
               .more = true,
               .events = job_events,
               .count = 1}},
};

const struct msg *messages_sample(enum msg_kind kind)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        if (samples[i].kind == kind)
            return &samples[i];
    }
    UNREACHABLE();
}
