// Start is recovery. The memory of the core is reserved as a whole and touched as it is used.

#define _GNU_SOURCE

#include "broker/shell/recover.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/log.h"

#include <sys/mman.h>

static err open_store(struct broker *broker, const char **out_why)
{
    struct store_options options = {
        .dir = broker->options->data,
        .map_bytes_max = broker->options->map_bytes_max,
        .ahead_bytes = broker->options->ahead_bytes,
        .allow_unsafe_place = broker->options->allow_unsafe_place,
    };
    err e = store_open(&options, &broker->store, out_why);
    if (e != OK)
        return e;
    *out_why = "the store cannot be read";
    struct ledger_row ledger;
    e = store_ledger(broker->store, &ledger);
    if (e == OK && ledger.epoch >= ROW_EPOCH_MAX) {
        *out_why = "the store has been started and restored as often as tokens have numbers for: "
                   "begin a new one, and submit again what waits in it";
        return ERR_UNSUPPORTED;
    }
    broker->order = order_local(broker->store);
    return e == OK ? store_view_open(broker->store, &broker->view) : e;
}

static err make_core(struct broker *broker, const char **out_why)
{
    const struct limits *limits = &broker->options->limits;
    size_t size = core_size(limits);
    *out_why = "there is no room for this many jobs: lower the limits";
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return ERR_NO_MEMORY;
    broker->core_memory = memory;
    // Tables of millions of places are looked up at random: with small pages the processor would
    // spend its time on finding addresses. Only a hint, and tables fill from the front.
    (void)madvise(memory, size, MADV_HUGEPAGE);
    uint64_t seed = 0;
    blake_random(&seed, sizeof seed);
    struct known known = store_view_known(broker->view);
    broker->core = core_init(memory, limits, &known, seed);
    log_info("broker.memory", "core_reserved_mib=%zu jobs_max=%u keys_max=%u", size >> 20,
             limits->job_count_max, limits->key_count_max);
    return OK;
}

// One that an older broker took and that this one does not is left out, loudly: its type's jobs are
// taken as without one.
static err load_schemas(struct broker *broker)
{
    struct type_row row;
    err e = store_view_queue_next_type(broker->view, true, &row);
    for (; e == OK; e = store_view_queue_next_type(broker->view, false, &row)) {
        if (row.schema.len == 0)
            continue;
        struct schema *schema = NULL;
        struct schema_fault fault;
        e = schema_compile(row.schema, &schema, &fault);
        if (e == ERR_NO_MEMORY)
            return e;
        if (e != OK) {
            log_error("schema.unreadable", "type=%s at=%s", log_quote(row.type).text,
                      log_quote(slice_of_text(fault.pointer)).text);
            continue;
        }
        struct schemas_name name = {.tenant = row.tenant, .type = row.type};
        e = schemas_put(broker->schemas, name, schema, row.schema.len);
        if (e != OK) {
            schema_free(schema);
            return e;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err load(struct broker *broker, const char **out_why)
{
    struct store_loaded loaded;
    err e = store_load(broker->store, broker->core, &loaded);
    *out_why = e == ERR_FULL ? "more is stored than the limits allow: raise them"
                             : "the store cannot be loaded";
    if (e != OK)
        return e;
    if (loaded.damaged_count > 0)
        log_error("store.damaged", "records=%llu", (unsigned long long)loaded.damaged_count);
    e = store_view_begin(broker->view);
    if (e == OK)
        e = timetable_load(broker->timetable, broker->view);
    if (e == OK)
        e = load_schemas(broker);
    store_view_end(broker->view);
    if (e != OK)
        return e;
    log_info("store.loaded", "jobs=%llu keys=%llu", (unsigned long long)loaded.job_count,
             (unsigned long long)loaded.key_count);
    return OK;
}

static err start_clock(struct broker *broker, const char **out_why)
{
    struct ledger_row ledger;
    *out_why = "the store cannot be read";
    err e = store_ledger(broker->store, &ledger);
    if (e != OK)
        return e;
    *out_why = "the clock is more than 30 days ahead of the store: set it, or start once with "
               "--accept-clock-jump";
    e = clock_store_open(&broker->clock, ledger.store_time, broker->options->accept_clock_jump);
    if (e == OK)
        broker_stamp(broker);
    return e;
}

// The first batch: nobody is connected yet, so there is nothing to say.
static void begin_epoch(struct broker *broker)
{
    struct batch *batch = broker->filling;
    (void)broker_view(broker);
    core_start(broker->core, broker->now, &batch->effects);
    batch->number = core_close(broker->core, broker->now, &batch->effects);
    commit_now(&broker->order, broker->store, batch);
    broker_view_end(broker);
    core_settled(broker->core, batch->number);
    store_figures(broker->store, &broker->space);
    CHECK(batch->effects.send_count == 0 && batch->effects.grant_count == 0);
    batch_reset(batch, broker->now.mono);
}

err recover_run(struct broker *broker, const char **out_why)
{
    err e = open_store(broker, out_why);
    if (e == OK)
        e = make_core(broker, out_why);
    if (e == OK)
        e = load(broker, out_why);
    if (e == OK)
        e = start_clock(broker, out_why);
    if (e == OK)
        begin_epoch(broker);
    if (e == ERR_DISK && broker->store != NULL && store_verdict(broker->store, e) != e) {
        *out_why = "the store is damaged: restore it from a backup; weft audit names what it can";
        e = ERR_DAMAGED;
    }
    return e;
}

void recover_undo(struct broker *broker)
{
    if (broker->core_memory != NULL)
        (void)munmap(broker->core_memory, core_size(&broker->options->limits));
    if (broker->view != NULL)
        store_view_close(broker->view);
    if (broker->store != NULL)
        store_close(broker->store);
}
