// The broker's settings. The limits are described, with their cost in memory, in docs/limits.md.

#include "broker/shell/options.h"

#include "lib/base/check.h"
#include "proto/check.h"
#include "proto/msg.h"

enum {
    HOUR_MS = 3600 * 1000,
    COUNT_MAX = 1 << 30,
    SIMULATE_WAIT_MS_MAX = 8000, // a gateway waits 10 s for an answer
};

#define COUNT(name, standard, most, text)                                                          \
    {                                                                                              \
        .key = (name), .type = CONFIG_INTEGER, .default_text = (standard), .min = 1,               \
        .max = (most), .help = (text)                                                              \
    }

static const struct config_key keys[] = {
    {.key = "zmq",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7400",
     .help = "where clients, gateways and workers connect"},
    {.key = "pub",
     .type = CONFIG_ENDPOINT,
     .default_text = "tcp://127.0.0.1:7401",
     .help = "where every transition is published"},
    {.key = "keys",
     .type = CONFIG_STRING,
     .help = "directory of CURVE keys that 'weft key' keeps; without it both doors serve in the "
             "clear, and only loopback addresses"},
    {.key = "metrics",
     .type = CONFIG_STRING,
     .default_text = "127.0.0.1:0",
     .help = "address of /metrics, /livez and /readyz, or off"},
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "weft-data/broker",
     .help = "directory of the store"},
    {.key = "map-max",
     .type = CONFIG_BYTES,
     .default_text = "1TiB",
     .min = 64 * 1024 * 1024,
     .max = (int64_t)64 << 40,
     .help = "the store's largest size"},
    {.key = "ahead",
     .type = CONFIG_BYTES,
     .default_text = "64MiB",
     .max = (int64_t)1 << 40,
     .help = "disk space kept allocated ahead of use"},
    {.key = "allow-unsafe-place",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "no warning about a place that does not survive a reboot"},
    {.key = "accept-clock-jump",
     .type = CONFIG_BOOL,
     .default_text = "false",
     .help = "start although the clock is 30 days ahead of the store"},
    {.key = "audit-every",
     .type = CONFIG_DURATION,
     .default_text = "1h",
     .max = 365 * 24 * (int64_t)HOUR_MS,
     .help = "how often all records and indexes are compared; 0s: never"},
    {.key = "lease",
     .type = CONFIG_DURATION,
     .default_text = "30s",
     .min = 100,
     .max = 24 * HOUR_MS,
     .help = "how long a silent worker keeps its jobs"},
    {.key = "renew",
     .type = CONFIG_DURATION,
     .default_text = "5s",
     .min = 10,
     .max = HOUR_MS,
     .help = "how often workers say that they are alive"},
    {.key = "deadline-grace",
     .type = CONFIG_DURATION,
     .default_text = "30s",
     .max = 24 * HOUR_MS,
     .help = "time after its deadline in which a worker may still end an attempt"},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     .default_text = "30s",
     .min = 1,
     .max = CHECK_TIMEOUT_MS_MAX,
     .help = "run time of an attempt that asks for none"},
    {.key = "keep",
     .type = CONFIG_DURATION,
     .default_text = "24h",
     .min = 1000,
     .max = (int64_t)CHECK_KEEP_S_MAX * 1000,
     .help = "how long finished jobs stay readable"},
    {.key = "dedup-window",
     .type = CONFIG_DURATION,
     .default_text = "24h",
     .min = 1000,
     .max = (int64_t)3650 * 24 * HOUR_MS,
     .help = "how long an idempotency key is taken"},
    {.key = "batch-seal",
     .type = CONFIG_DURATION,
     .default_text = "60s",
     .min = 1,
     .max = 24 * HOUR_MS,
     .help = "after its last member a batch that nobody has sealed is sealed"},
    {.key = "simulate-wait",
     .type = CONFIG_DURATION,
     .default_text = "2s",
     .min = 1,
     .max = SIMULATE_WAIT_MS_MAX,
     .help = "how long a dry run waits for the word of a worker"},
    {.key = "age-step",
     .type = CONFIG_DURATION,
     .default_text = "60s",
     .min = 1,
     .max = 24 * HOUR_MS,
     .help = "waiting this long is worth one step of priority"},
    COUNT("job-count-max", "10000000", COUNT_MAX, "unfinished jobs"),
    COUNT("key-count-max", "32000000", COUNT_MAX, "idempotency keys in their window"),
    COUNT("tenant-count-max", "1024", 65535, "tenants"),
    {.key = "tenant-open-max",
     .type = CONFIG_INTEGER,
     .default_text = "0",
     .max = COUNT_MAX,
     .help = "unfinished jobs of one tenant; 0: as many as there is room"},
    COUNT("queue-count-max", "4096", 65535, "queues of all tenants"),
    COUNT("type-count-max", "4096", UINT16_MAX, "types with defaults"),
    COUNT("lane-count-max", "4096", 65535, "distinct pairs of queue and type"),
    COUNT("concurrency-key-count-max", "1000000", COUNT_MAX, "concurrency keys of unfinished jobs"),
    COUNT("key-running-max", "1", COUNT_MAX, "running jobs of one concurrency key"),
    COUNT("policy-count-max", "4096", 65535, "distinct sets of options"),
    COUNT("batch-count-max", "65536", COUNT_MAX, "batches in memory"),
    COUNT("unique-count-max", "1000000", COUNT_MAX, "unique keys that are held"),
    COUNT("schedule-count-max", "10000", 1 << 20, "schedules"),
    COUNT("endpoint-count-max", "1024", 1 << 20, "webhook endpoints of all tenants"),
    COUNT("operation-count-max", "256", 4096, "acts on many jobs that are known"),
    COUNT("dependency-count-max", "1000000", COUNT_MAX, "pairs of a job and one it waits for"),
    COUNT("worker-count-max", "16384", 1 << 20, "connected workers"),
    COUNT("lease-count-max", "262144", COUNT_MAX, "jobs handed out"),
    COUNT("serve-count-max", "262144", COUNT_MAX, "pairs of worker and lane"),
    COUNT("peer-count-max", "65536", 1 << 20, "connected peers"),
    COUNT("changed-count-max", "16384", 1 << 20, "jobs one flush may change"),
    COUNT("send-count-max", "16384", 1 << 20, "answers that wait for one flush"),
    COUNT("watch-count-max", "65536", 1 << 20, "questions that wait for a change"),
    COUNT("event-count-max", "100000", 1 << 26, "last events that can be resumed from"),
    COUNT("event-watch-count-max", "4096", 1 << 20, "questions that wait for events"),
    CONFIG_LOG_LEVEL,
};

const struct config_table options_table = {
    .program = "broker",
    .usage = "weft broker [flags]",
    .about = "Keeps jobs, durably, and gives them to workers. Prints one line that begins with "
             "'ready' when it serves.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static uint32_t number_of(const struct options *options, const char *key)
{
    int64_t number = config_number(&options->config, key);
    CHECK(number >= 0 && number <= UINT32_MAX);
    return (uint32_t)number;
}

static struct limits limits_of(const struct options *options)
{
    return (struct limits){
        .job_count_max = number_of(options, "job-count-max"),
        .key_count_max = number_of(options, "key-count-max"),
        .tenant_count_max = number_of(options, "tenant-count-max"),
        .tenant_open_max = number_of(options, "tenant-open-max"),
        .queue_count_max = number_of(options, "queue-count-max"),
        .type_count_max = number_of(options, "type-count-max"),
        .lane_count_max = number_of(options, "lane-count-max"),
        .concurrency_key_count_max = number_of(options, "concurrency-key-count-max"),
        .key_running_max = number_of(options, "key-running-max"),
        .policy_count_max = number_of(options, "policy-count-max"),
        .batch_count_max = number_of(options, "batch-count-max"),
        .unique_count_max = number_of(options, "unique-count-max"),
        .schedule_count_max = number_of(options, "schedule-count-max"),
        .endpoint_count_max = number_of(options, "endpoint-count-max"),
        .operation_count_max = number_of(options, "operation-count-max"),
        .dependency_count_max = number_of(options, "dependency-count-max"),
        .worker_count_max = number_of(options, "worker-count-max"),
        .lease_count_max = number_of(options, "lease-count-max"),
        .serve_count_max = number_of(options, "serve-count-max"),
        .peer_count_max = number_of(options, "peer-count-max"),
        .changed_count_max = number_of(options, "changed-count-max"),
        .send_count_max = number_of(options, "send-count-max"),
        .lease_ms = number_of(options, "lease"),
        .batch_seal_ms = number_of(options, "batch-seal"),
        .simulation_ms = number_of(options, "simulate-wait"),
        .renew_ms = number_of(options, "renew"),
        .deadline_grace_ms = number_of(options, "deadline-grace"),
        .timeout_default_ms = number_of(options, "timeout"),
        .keep_default_s = (uint32_t)(config_number(&options->config, "keep") / 1000),
        .dedup_window_s = (uint32_t)(config_number(&options->config, "dedup-window") / 1000),
        .age_step_ms = config_number(&options->config, "age-step"),
    };
}

// Rules that concern two settings.
static err judge(struct options *options)
{
    if (options->limits.renew_ms * (uint64_t)2 > options->limits.lease_ms) {
        (void)snprintf(options->config.problem, sizeof options->config.problem,
                       "renew must be at most half of lease, or workers lose their jobs");
        return ERR_BAD_FIELD;
    }
    if (options->limits.changed_count_max < MSG_JOBS_MAX + LIMITS_STEP_RECORDS_MAX) {
        (void)snprintf(options->config.problem, sizeof options->config.problem,
                       "changed-count-max must be at least %d, so that every message fits",
                       MSG_JOBS_MAX + LIMITS_STEP_RECORDS_MAX);
        return ERR_BAD_FIELD;
    }
    return OK;
}

err options_read(struct options *options, int argc, char *const *argv)
{
    err e = config_read(&options->config, &options_table, argc, argv);
    if (e != OK || options->config.help_asked)
        return e;
    const struct config *config = &options->config;
    options->zmq = config_text(config, "zmq");
    options->pub = config_text(config, "pub");
    options->keys = config_text(config, "keys");
    options->metrics = config_text(config, "metrics");
    if (strcmp(options->metrics, "off") == 0)
        options->metrics = NULL;
    options->data = config_text(config, "data");
    options->map_bytes_max = (uint64_t)config_number(config, "map-max");
    options->ahead_bytes = (uint64_t)config_number(config, "ahead");
    options->allow_unsafe_place = config_is_on(config, "allow-unsafe-place");
    options->accept_clock_jump = config_is_on(config, "accept-clock-jump");
    options->audit_every_ms = config_number(config, "audit-every");
    options->watch_count_max = number_of(options, "watch-count-max");
    options->event_count_max = number_of(options, "event-count-max");
    options->event_watch_count_max = number_of(options, "event-watch-count-max");
    options->limits = limits_of(options);
    return judge(options);
}

void options_deinit(struct options *options)
{
    config_deinit(&options->config);
}
