// The product's store beside the model: the same writes in LMDB, and the core's questions and
// starts answered from there. The traces must be the same, and in the end what is stored.

#include "broker/store/store.h"
#include "broker/store/store_audit.h"
#include "broker/store/store_record.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <unistd.h>

struct sim_disk {
    char dir[256];
    struct store *store;
    struct store_view *view;
    struct known known; // through the view
    bool is_begun;
};

static void must(err e, const char *what)
{
    if (e != OK)
        (void)printf("store: %s\n", err_slug(e));
    SIM_EXPECT(e == OK, what);
}

static void remove_files(const struct sim_disk *disk)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    char path[320];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", disk->dir, names[i]);
        (void)unlink(path); // not all of them are there
    }
    (void)rmdir(disk->dir);
}

void sim_disk_init(struct sim *sim, const char *dir)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);
    SIM_EXPECT(disk != NULL, "memory for the store");
    (void)snprintf(disk->dir, sizeof disk->dir, "%s/sim-%ld", dir, (long)getpid());
    remove_files(disk); // of a run that has failed
    sim->disk = disk;
}

static void view_end(struct sim_disk *disk)
{
    if (disk->is_begun)
        store_view_end(disk->view);
    disk->is_begun = false;
}

// Begun when first needed after a commit, as the link thread does.
static struct store_view *view(struct sim_disk *disk)
{
    if (!disk->is_begun)
        must(store_view_begin(disk->view), "a view begins");
    disk->is_begun = true;
    return disk->view;
}

void sim_disk_close(struct sim *sim)
{
    struct sim_disk *disk = sim->disk;
    if (disk == NULL || disk->store == NULL)
        return;
    view_end(disk);
    store_view_close(disk->view);
    store_close(disk->store);
    disk->store = NULL;
}

// A start of the broker: everything is as the last process left it.
static void open_store(struct sim *sim)
{
    struct sim_disk *disk = sim->disk;
    sim_disk_close(sim);
    struct store_options options = {.dir = disk->dir,
                                    .map_bytes_max = UINT64_C(1) << 30,
                                    .map_start_bytes = UINT64_C(1) << 20,
                                    .allow_unsafe_place = true};
    const char *why = NULL;
    must(store_open(&options, &disk->store, &why), "the store opens");
    must(store_view_open(disk->store, &disk->view), "a view opens");
    disk->known = store_view_known(disk->view);
}

static bool by_id(void *ctx, const struct id *id, struct job_row *out_row)
{
    struct sim_disk *disk = ctx;
    (void)view(disk);
    return disk->known.by_id(disk->known.ctx, id, out_row);
}

static bool by_no(void *ctx, uint64_t job_no, struct job_row *out_row)
{
    struct sim_disk *disk = ctx;
    (void)view(disk);
    return disk->known.by_no(disk->known.ctx, job_no, out_row);
}

static bool body(void *ctx, uint64_t job_no, struct slice tenant, struct msg_submit_job *out_job)
{
    struct sim_disk *disk = ctx;
    (void)view(disk);
    return disk->known.body(disk->known.ctx, job_no, tenant, out_job);
}

struct known sim_disk_known(struct sim *sim)
{
    open_store(sim);
    return (struct known){.ctx = sim->disk, .by_id = by_id, .by_no = by_no, .body = body};
}

void sim_disk_load(struct sim *sim, struct core *core)
{
    struct store_loaded loaded;
    must(store_load(sim->disk->store, core, &loaded), "what was stored can be loaded");
    SIM_EXPECT(loaded.damaged_count == 0, "nothing stored is damaged");
}

void sim_disk_commit(struct sim *sim, const struct effects *fx)
{
    struct sim_disk *disk = sim->disk;
    view_end(disk);
    must(store_commit(disk->store, fx->writes, fx->write_count), "a batch is stored");
    struct store_figures figures;
    store_figures(disk->store, &figures);
    SIM_EXPECT(figures.violations == 0, "the store counts the same jobs as the core");
    SIM_EXPECT(figures.damaged == 0, "nothing stored is damaged");
}

// --- at the end ---

static bool is_same_row(const struct job_row *a, const struct job_row *b)
{
    uint8_t rooms[2][STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN + STORE_RECORD_JOB_HOOK_LEN +
                     DISK_SEAL_LEN];
    struct disk_key number = disk_key_of(a->no);
    size_t len = store_record_job_len(a);
    if (store_record_job_len(b) != len)
        return false;
    store_record_put_job(rooms[0], disk_key_slice(&number), a);
    store_record_put_job(rooms[1], disk_key_slice(&number), b);
    return memcmp(rooms[0], rooms[1], len) == 0;
}

static void compare_job(struct sim *sim, uint64_t no)
{
    const struct job_row *row = &sim->store.rows[no];
    struct sim_disk *disk = sim->disk;
    struct job_row stored = {0};
    bool is_there = by_no(disk, no, &stored);
    SIM_EXPECT(is_there == (row->no != 0), "both stores hold the same jobs");
    if (!is_there)
        return;
    SIM_EXPECT(is_same_row(row, &stored), "both stores hold the same row");
    struct msg_submit_job body;
    err e = store_view_body(view(disk), no, &body);
    SIM_EXPECT((e == OK) == (sim->store.bodies[no] != NULL), "both stores hold the same bodies");
    SIM_EXPECT(e != OK || slice_equal(sim->store.bodies[no]->labels, body.labels),
               "both stores hold the same labels");
    if (model_find(&sim->store, &row->id) != row)
        return; // its key was used again
    struct msg_status_is status;
    must(store_view_status(view(disk), &row->id, &status), "a status is read");
    SIM_EXPECT(status.error == (row->state == JOB_REMOVED ? ERR_GONE : OK) &&
                   status.state == row->state && status.version == row->version,
               "a status tells what is stored");
    SIM_EXPECT(row->state == JOB_REMOVED ||
                   slice_equal(sim->store.bodies[no]->labels, status.labels),
               "a status tells the labels");
}

static void compare_batch(struct sim *sim, uint32_t no)
{
    if (!sim->store.has_batch[no])
        return;
    const struct batch_row *row = &sim->store.batches[no];
    struct msg_batch_status_is status;
    must(store_view_batch_of(view(sim->disk), row->tenant, &row->id, &status), "a batch is read");
    SIM_EXPECT(status.error == OK && status.version == row->version &&
                   status.finished_at == row->finished_at &&
                   status.is_sealed == (row->sealed_at != 0) &&
                   memcmp(status.counts, row->counts, sizeof row->counts) == 0,
               "both stores hold the same batches");
}

// The product's own auditor must agree.
static void audit(struct sim_disk *disk)
{
    view_end(disk);
    struct store_audit *auditor = NULL;
    must(store_audit_open(disk->store, &(struct store_audit_options){.has_keymap = true}, &auditor),
         "the auditor begins");
    bool is_over = false;
    while (!is_over)
        must(store_audit_step(auditor, &is_over), "the auditor goes on");
    const struct violation_list *found = store_audit_found(auditor);
    for (enum violation kind = VIOLATION_NONE; kind < VIOLATION_COUNT; kind++)
        if (found->of[kind].count > 0)
            (void)printf("auditor: %s\n", violation_text(kind));
    SIM_EXPECT(violation_sum(found) == 0, "the auditor finds every index as the records say");
    store_audit_close(auditor);
}

static bool is_same_state(const struct msg_schedule_state *a, const struct msg_schedule_state *b)
{
    return a->generation == b->generation && a->created_at == b->created_at &&
           a->since_at == b->since_at && a->last_at == b->last_at && a->held_at == b->held_at &&
           id_equal(&a->last_job_id, &b->last_job_id) && a->fired_count == b->fired_count &&
           a->skipped_count == b->skipped_count;
}

static void compare_schedule(struct sim *sim, uint32_t no)
{
    const struct sim_schedule *schedule = &sim->store.schedules[no];
    struct store_schedule stored;
    err e = store_view_schedule(view(sim->disk), slice_of_text(sim_schedule_names[no]), &stored);
    SIM_EXPECT((e == OK) == (schedule->given != NULL), "both stores hold the same schedules");
    if (e != OK)
        return;
    const struct msg_schedule_state *a = &schedule->row.state;
    const struct msg_schedule_state *b = &stored.row.state;
    SIM_EXPECT(is_same_state(a, b) && schedule->row.is_paused == stored.row.is_paused &&
                   schedule->row.fingerprint == stored.row.fingerprint &&
                   slice_equal(schedule->given->cron, stored.given.cron) &&
                   slice_equal(schedule->given->jobs->type, stored.job.type),
               "both stores hold the same of a schedule");
}

struct slice sim_disk_schema(struct sim *sim, const struct type_row *row)
{
    struct type_row stored;
    must(store_view_queue_type(view(sim->disk), row->tenant, row->type, &stored), "a type is read");
    return stored.schema;
}

static void compare_operation(struct sim *sim, const struct operation_row *row)
{
    struct operation_row stored;
    if (id_is_zero(&row->id))
        return;
    must(store_view_operation(view(sim->disk), &row->id, &stored), "an operation is read");
    SIM_EXPECT(row->kind == stored.kind && row->cursor == stored.cursor &&
                   row->upto == stored.upto && row->matched == stored.matched &&
                   row->done == stored.done && row->version == stored.version &&
                   row->rate == stored.rate && row->ended_at == stored.ended_at &&
                   row->filter.states == stored.filter.states &&
                   slice_equal(row->filter.queue, stored.filter.queue) &&
                   slice_equal(row->filter.tag, stored.filter.tag) &&
                   slice_equal(row->actor, stored.actor) &&
                   slice_equal(row->cancelled_by, stored.cancelled_by),
               "both stores hold the same of an operation");
}

static void compare_endpoint(struct sim *sim, const struct endpoint_row *row)
{
    struct endpoint_row stored;
    if (row->generation == 0)
        return;
    must(store_view_endpoint(view(sim->disk), row->tenant, row->given.webhook_id, &stored),
         "an endpoint is read");
    SIM_EXPECT(row->generation == stored.generation && row->place == stored.place &&
                   row->since_no == stored.since_no && row->is_disabled == stored.is_disabled &&
                   row->created_at == stored.created_at && row->rotated_at == stored.rotated_at &&
                   row->before_until == stored.before_until &&
                   slice_equal(row->given.url, stored.given.url) &&
                   slice_equal(row->secret, stored.secret) &&
                   slice_equal(row->secret_before, stored.secret_before),
               "both stores hold the same of an endpoint");
}

void sim_disk_end(struct sim *sim)
{
    audit(sim->disk);
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++)
        compare_job(sim, no);
    for (uint32_t no = 0; no < 64; no++)
        compare_batch(sim, no);
    for (uint32_t no = 0; no < SIM_SCHEDULES; no++)
        compare_schedule(sim, no);
    for (uint32_t no = 0; no < SIM_OPERATIONS; no++)
        compare_operation(sim, &sim->store.operations[no].row);
    for (uint32_t no = 0; no < SIM_ENDPOINTS; no++)
        compare_endpoint(sim, &sim->store.endpoints[no].row);
    sim_disk_close(sim);
    remove_files(sim->disk);
    free(sim->disk);
    sim->disk = NULL;
}
