// From argv to the loop, and back.

#include "worker/shell/main.h"

#include "lib/base/check.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "worker/duty/talk.h"
#include "worker/exec/leftover.h"
#include "worker/exec/lookup.h"
#include "worker/shell/crew.h"
#include "worker/shell/crew_private.h"
#include "worker/shell/pusher.h"
#include "worker/shell/round.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_CANNOT = 1, EXIT_USAGE = 64 };

static int cannot(const char *event, const char *why)
{
    log_error(event, "why=%s", log_quote_text(why).text);
    return EXIT_CANNOT;
}

// Four pipes for each handler; the spawner, started before, keeps the usual limit for handlers.
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); // then pipes may run out, which is told when it happens
}

// What outlived the last worker on this directory must not work beside this one.
static int clean_up(struct worker *worker)
{
    struct running_last last;
    if (running_read(worker->home->running, &last) != OK)
        return cannot("worker.running_not_read", strerror(errno));
    uint32_t count = 0;
    for (uint32_t i = 0; i < last.count; i++)
        count += leftover_kill_group(last.processes[i].pid, last.processes[i].start_ticks);
    if (last.session != 0)
        count += leftover_kill_session(last.session);
    if (count > 0)
        log_warn("worker.leftovers_killed", "processes=%" PRIu32, count);
    err opened = running_open(worker->home->running, worker->duty.session, worker->duty.slots.count,
                              &worker->running);
    return opened == OK ? 0 : cannot("worker.running_not_written", strerror(errno));
}

static int open_journal(struct worker *worker)
{
    char why[JOURNAL_WHY_LEN];
    err opened = journal_open(worker->home->journal, "worker", &worker->journal, why);
    if (opened != OK)
        return cannot("worker.no_journal", why);
    if (why[0] != '\0')
        log_warn("worker.journal_place", "why=%s", log_quote_text(why).text);
    struct journal_loaded loaded = {0};
    err load = duty_recover(&worker->duty, worker->journal, &loaded);
    if (load != OK)
        return cannot("worker.no_journal", err_text(load));
    if (loaded.count + loaded.damaged_count > 0)
        log_info("worker.journal_loaded", "outcomes=%" PRIu32 " damaged=%" PRIu32, loaded.count,
                 loaded.damaged_count);
    return 0;
}

static bool watch(struct worker *worker, int fd, enum crew_source source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = crew_tag(source, 0, 0)};
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int open_ears(struct worker *worker)
{
    if (signals_open(&worker->signals) != OK)
        return cannot("worker.system", strerror(errno));
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool is_program = worker->pusher == NULL;
    int crew = is_program ? worker->spawner.socket : pusher_fd(worker->pusher);
    if (worker->epoll < 0 || !watch(worker, crew, is_program ? CREW_SPAWNER : CREW_PUSHER) ||
        !watch(worker, worker->signals.usual, CREW_SIGNALS) ||
        !watch(worker, worker->signals.more, CREW_SIGNALS))
        return cannot("worker.system", strerror(errno));
    err opened = talk_open(&worker->duty);
    return opened == OK ? 0 : cannot("worker.no_link", err_text(opened));
}

static void on_stop(void *worker, uint32_t slot, enum slot_order order)
{
    struct worker *self = worker;
    if (self->pusher != NULL)
        pusher_stop(self, slot);
    else
        crew_stop(self, slot, order);
}

static void on_die(void *worker, const char *event, const char *why)
{
    crew_die(worker, event, why);
}

static void on_introduce(void *ctx)
{
    const struct worker *worker = ctx;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&worker->home->worker_id, id);
    (void)printf("ready worker=%s types=%s slots=%" PRIu32 " broker=%s\n", id,
                 worker->setup->config.arguments[0], worker->setup->slot_count,
                 worker->setup->broker);
    (void)fflush(stdout); // whoever waits for the line sees it or is gone
}

static int make_slots(struct worker *worker)
{
    const struct setup *setup = worker->setup;
    const struct duty_setup duty = {.broker = setup->broker,
                                    .curve = setup->has_curve ? &setup->curve : NULL,
                                    .tenant = setup->tenant,
                                    .name = slice_of_text(setup->name),
                                    .types = setup->types,
                                    .type_count = setup->type_count,
                                    .queues = setup->queues,
                                    .queue_count = setup->queue_count,
                                    .slot_count = setup->slot_count,
                                    .run_count = setup->run_count,
                                    .simulation_count = setup->simulation_count,
                                    .simulates = setup->types,
                                    .simulate_count =
                                        setup->simulation_count > 0 ? setup->type_count : 0,
                                    .grace_ms = setup->grace_ms,
                                    .kill_after_ms = setup->kill_after_ms,
                                    .worker_id = worker->home->worker_id};
    const struct duty_crew crew = {
        .ctx = worker, .stop = on_stop, .introduce = on_introduce, .die = on_die};
    worker->places = calloc(setup->slot_count + setup->simulation_count, sizeof *worker->places);
    if (worker->places == NULL || duty_init(&worker->duty, &duty, &crew) != OK)
        return cannot("worker.no_memory", "for the slots; lower -c");
    worker->duty.stats.path = setup->stats;
    return 0;
}

static void free_all(struct worker *worker)
{
    talk_close(&worker->duty);
    pusher_close(worker->pusher);
    journal_close(worker->journal);
    for (uint32_t i = 0; worker->places != NULL && i < worker->duty.slots.count; i++) {
        if (worker->places[i].handler.run != 0)
            handler_close(&worker->places[i].handler);
    }
    free(worker->places);
    duty_deinit(&worker->duty);
}

static void leave(struct worker *worker)
{
    talk_leave(&worker->duty);
    char text[STATS_TEXT_MAX];
    stats_text(&worker->duty.stats, text);
    stats_write(&worker->duty.stats, worker->duty.now, true);
    if (worker->duty.stats.path != NULL)
        (void)printf("stats %s\n", text);
    (void)fflush(stdout); // nobody may be reading any more
    log_info("worker.left", "outcomes_kept=%" PRIu32, worker->duty.outbox.count);
}

static int open_pusher(struct worker *worker)
{
    const char *why = NULL;
    if (worker->setup->url == NULL)
        return 0;
    err opened = pusher_open(worker, &worker->pusher, &why);
    return opened == OK ? 0 : cannot("worker.no_pusher", why);
}

// Else the first job would have to find out.
static void look_for_program(struct worker *worker)
{
    if (worker->pusher == NULL && lookup_program(worker->setup->program[0]) != OK)
        crew_go_quiet(worker, strerror(errno));
}

static int run_at_home(struct worker *worker)
{
    int code = make_slots(worker);
    if (code == 0)
        code = clean_up(worker);
    if (code == 0)
        code = open_journal(worker);
    if (code == 0)
        code = open_pusher(worker);
    if (code == 0)
        code = open_ears(worker);
    if (code == 0) {
        look_for_program(worker);
        round_run(worker);
        leave(worker);
        code = worker->exit_code;
    }
    free_all(worker);
    return code;
}

static int run(struct setup *setup)
{
    static struct worker worker;
    worker = (struct worker){.setup = setup};
    // A weft in a handler speaks to the same broker, of the same tenant. It fails only without memory.
    (void)setenv("WEFT_BROKER", setup->broker, 1);
    (void)setenv("WEFT_TENANT", (const char *)setup->tenant.data, 1);
    if (setup->has_curve) {
        (void)setenv("WEFT_CURVE_KEY", config_text(&setup->config, "curve-key"), 1);
        (void)setenv("WEFT_CURVE_SERVER", config_text(&setup->config, "curve-server"), 1);
    }
    // First of all, while there is neither thread nor LMDB.
    bool is_program = setup->program != NULL;
    if (is_program && spawner_start(&worker.spawner, setup->program, &setup->limits) != OK)
        return cannot("worker.no_spawner", strerror(errno));
    allow_descriptors();
    static struct home home;
    char why[HOME_WHY_LEN];
    worker.home = &home;
    int code = 0;
    if (home_open(setup->data, &home, why) != OK) {
        code = cannot("worker.no_home", why);
    } else {
        code = run_at_home(&worker);
        home_close(&home);
    }
    if (is_program)
        spawner_close(&worker.spawner);
    return code;
}

const struct config_table *const worker_table = &setup_table;

int worker_main(int argc, char **argv)
{
    static struct setup setup;
    process_name("weft-worker");
    err read = setup_read(&setup, argc, argv);
    int code = 0;
    if (read == OK && failpoint_init() != OK) {
        (void)fprintf(stderr, "weft worker: WEFT_FAILPOINT is name or name:count\n");
        code = EXIT_USAGE;
    } else if (read != OK) {
        (void)fprintf(stderr, "weft worker: %s\n", setup.config.problem);
        code = EXIT_USAGE;
    } else if (setup.config.help_asked) {
        config_help(&setup_table, stdout);
    } else {
        code = run(&setup);
    }
    setup_deinit(&setup);
    return code;
}
