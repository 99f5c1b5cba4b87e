// Makes a broker out of its parts, runs it, takes it apart.

#include "broker/shell/main.h"

#include "broker/shell/broker.h"
#include "broker/shell/doors.h"
#include "broker/shell/events.h"
#include "broker/shell/intake.h"
#include "broker/shell/recover.h"
#include "broker/shell/release.h"
#include "broker/shell/turn.h"
#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/log.h"
#include "lib/sys/memory.h"
#include "lib/sys/process.h"
#include "lib/sys/program.h"
#include "lib/sys/signal.h"
#include "proto/wire.h"

#include <errno.h>

enum {
    EXIT_USAGE = 64,
    OTHER_SILENCE_MS = 10 * 60 * 1000,
    WORKER_SILENCE_LEASES = 10,
    ENDPOINT_LEN_MAX = 256,
};

// --- parts ---

static err make_tables(struct broker *broker)
{
    const struct limits *limits = &broker->options->limits;
    uint64_t seeds[2];
    blake_random(seeds, sizeof seeds);
    struct peers_options peers = {
        .count_max = limits->peer_count_max,
        .worker_silence_ms = (when_ms)limits->lease_ms * WORKER_SILENCE_LEASES,
        .other_silence_ms = OTHER_SILENCE_MS,
        .seed = seeds[0],
    };
    broker->peers = peers_new(&peers);
    broker->watches = watch_new(broker->options->watch_count_max, seeds[1]);
    broker->timetable = timetable_new(limits->schedule_count_max, seeds[1]);
    broker->schemas = schemas_new(limits->type_count_max);
    broker->tenants = tenants_new(limits->tenant_count_max, seeds[0]);
    broker->room = release_room_new(limits);
    size_t encoding_len = wire_arena_size(MSG_BYTES_MAX);
    broker->encoding = (struct arena){.data = memory_reserve(encoding_len), .cap = encoding_len};
    bool made = broker->peers != NULL && broker->watches != NULL && broker->timetable != NULL &&
                broker->schemas != NULL && broker->tenants != NULL && broker->room != NULL &&
                broker->encoding.data != NULL;
    return made ? OK : ERR_NO_MEMORY;
}

static err make_batches(struct broker *broker)
{
    broker->pool = batch_pool_new(BROKER_BATCHES * BATCH_MESSAGES_MAX + 1);
    if (broker->pool == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < BROKER_BATCHES; i++) {
        broker->batches[i] = batch_new(&broker->options->limits);
        if (broker->batches[i] == NULL)
            return ERR_NO_MEMORY;
        broker->spare[broker->spare_count++] = broker->batches[i];
    }
    broker->filling = broker->spare[--broker->spare_count];
    return OK;
}

static err start_threads(struct broker *broker, const char **out_why)
{
    *out_why = "no thread could be started";
    struct commit_options commit = {
        .order = broker->order, .store = broker->store, .wake = &broker->wake};
    err e = commit_open(&commit, &broker->commit);
    struct readers_options readers = {.store = broker->store, .wake = &broker->wake};
    if (e == OK)
        e = readers_open(&readers, &broker->readers);
    struct auditor_options auditor = {
        .store = broker->store, .wake = &broker->wake, .every_ms = broker->options->audit_every_ms};
    if (e == OK)
        e = auditor_open(&auditor, &broker->auditor);
    if (e != OK)
        return e;
    struct metrics_options metrics = {.endpoint = broker->options->metrics,
                                      .lane_count_max = broker->options->limits.lane_count_max,
                                      .queue_count_max = broker->options->limits.queue_count_max};
    e = metrics_open(&metrics, &broker->metrics);
    if (e != OK && metrics.endpoint != NULL)
        *out_why = program_door_problem("--metrics", metrics.endpoint, e);
    return e;
}

// --- life ---

static err make(struct broker *broker, const char **out_why)
{
    *out_why = "there is not enough memory: lower the limits";
    err e = wake_open(&broker->wake);
    if (e == OK)
        e = make_tables(broker);
    if (e == OK)
        e = make_batches(broker);
    if (e == OK)
        e = recover_run(broker, out_why);
    if (e == OK)
        e = events_open(broker);
    if (e == OK)
        e = start_threads(broker, out_why);
    if (e == OK)
        e = doors_open(broker, out_why);
    return e;
}

static void give_messages_back(struct broker *broker)
{
    for (uint32_t i = 0; i < BROKER_BATCHES; i++) {
        if (broker->batches[i] != NULL)
            intake_release(broker, broker->batches[i]);
        batch_free(broker->batches[i]);
    }
    if (broker->held != NULL) {
        link_release(broker->held);
        batch_pool_give(broker->pool, broker->held);
    }
    batch_pool_free(broker->pool);
}

static void unmake(struct broker *broker)
{
    metrics_close(broker->metrics);
    auditor_close(broker->auditor);
    readers_close(broker->readers);
    commit_close(broker->commit);
    give_messages_back(broker);
    doors_close(broker);
    events_close(broker);
    recover_undo(broker);
    memory_release(broker->encoding.data, broker->encoding.cap);
    release_room_free(broker->room);
    schemas_free(broker->schemas);
    tenants_free(broker->tenants);
    timetable_free(broker->timetable);
    watch_free(broker->watches);
    peers_free(broker->peers);
    wake_close(&broker->wake);
}

static void tell_started(const struct broker *broker, when_ms started_at)
{
    struct core_figures figures;
    core_figures(broker->core, &figures);
    log_info("broker.started", "epoch=%u jobs=%u keys=%u accepted=%llu seconds=%.3f",
             figures.ledger.epoch, figures.job_count, figures.key_count,
             (unsigned long long)figures.ledger.accepted,
             (double)(clock_mono_ms() - started_at) / 1000);
}

// The line by which people, tests and `weft dev` know that both doors serve, and where.
static err tell_ready(const struct broker *broker)
{
    char zmq[ENDPOINT_LEN_MAX];
    char pub[ENDPOINT_LEN_MAX];
    err e = link_endpoint(broker->router, zmq, sizeof zmq);
    if (e == OK)
        e = link_endpoint(broker->publisher, pub, sizeof pub);
    if (e != OK)
        return e;
    const char *metrics = metrics_endpoint(broker->metrics);
    if (metrics != NULL)
        (void)printf("ready zmq=%s pub=%s metrics=http://%s/metrics\n", zmq, pub, metrics);
    else
        (void)printf("ready zmq=%s pub=%s metrics=off\n", zmq, pub);
    return fflush(stdout) == 0 ? OK : ERR_SYSTEM;
}

static int serve(const struct options *options, int signal_fd)
{
    when_ms started_at = clock_mono_ms();
    struct broker broker = {.options = options, .signal_fd = signal_fd, .wake = {.fd = -1}};
    const char *why = "";
    err e = make(&broker, &why);
    if (e == OK) {
        tell_started(&broker, started_at);
        metrics_set_ready(broker.metrics, true);
        why = "the endpoints cannot be told";
        e = tell_ready(&broker);
    }
    if (e == OK) {
        turn_run(&broker);
        log_event(LOG_LEVEL_INFO, "broker.stopped");
    } else {
        log_error("broker.not_started", "error=%s fix=%s", err_slug(e), log_quote_text(why).text);
    }
    unmake(&broker);
    return e == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct options *options)
{
    int signal_fd = -1;
    err e = program_begin(&options->config, &signal_fd);
    if (e != OK) {
        log_error("broker.not_started", "error=%s", err_slug(e));
        return EXIT_FAILURE;
    }
    signal_last_words("error broker.crashed fix=\"run weft audit: if the store is damaged, restore "
                      "it from a backup; if it is sound, report this\"\n");
    int code = serve(options, signal_fd);
    signal_close(signal_fd);
    return code;
}

const struct config_table *const broker_table = &options_table;

int broker_main(int argc, char **argv)
{
    struct options options = {0};
    int code = EXIT_USAGE;
    process_name("weft-broker"); // `weft dev` starts it by a name that says nothing
    err e = options_read(&options, argc, argv);
    if (e == OK && options.config.help_asked) {
        config_help(&options_table, stdout);
        code = EXIT_SUCCESS;
    } else if (e == OK) {
        code = run(&options);
    } else {
        (void)fprintf(stderr, "weft broker: %s\n", options.config.problem);
    }
    options_deinit(&options);
    return code;
}
