// Bulk requests that no broker has answered: their jobs go into the spool, all of them or none.

#include "gateway/shell/bulk_private.h"
#include "gateway/shell/spool_pack.h"

#include <stdlib.h>

bool bulk_may_spool(const struct load *load)
{
    if (load->is_atomic || load->is_dry_run || load->job_count == 0)
        return false;
    // Nothing of it was sent.
    return load->failure == ERR_NO_BROKER &&
           spool_door_takes(load->bulk->gateway, load->failure, false);
}

static void drop_records(struct bulk_keeping *keeping)
{
    for (uint32_t i = 0; i < keeping->order.count; i++)
        spool_pack_free(&keeping->items[i].record);
}

// In the spool's thread.
static void kept(struct spool_order *order, err e)
{
    struct bulk_keeping *keeping = (struct bulk_keeping *)order;
    keeping->error = e;
    bulk_return(keeping->load);
}

static err pack(struct load *load, struct bulk_keeping *keeping)
{
    struct arena arena = spool_pack_arena();
    err e = arena.data == NULL ? ERR_NO_MEMORY : OK;
    for (uint32_t i = 0; e == OK && i < load->job_count; i++) {
        struct spool_item *item = &keeping->items[i];
        e = spool_pack(&load->jobs[i], load->tenant, &arena, &item->record);
        item->batch_id = load->batch_id;
        item->batch_fingerprint = load->fingerprint;
        keeping->order.count += e == OK;
    }
    free(arena.data);
    return e;
}

void bulk_spool(struct load *load)
{
    struct bulk_keeping *keeping =
        calloc(1, sizeof *keeping + load->job_count * sizeof keeping->items[0]);
    err e = keeping == NULL ? ERR_NO_MEMORY : OK;
    load->keeping = keeping;
    if (e == OK)
        e = pack(load, keeping);
    if (e != OK && keeping != NULL)
        drop_records(keeping);
    if (e != OK) {
        bulk_refuse(load, e, "");
        return;
    }
    keeping->load = load;
    keeping->order.act = SPOOL_TAKE;
    keeping->order.items = keeping->items;
    keeping->order.done = kept;
    spool_do(load->bulk->gateway->spool, &keeping->order);
}

static err count(struct load *load)
{
    const struct bulk_keeping *keeping = load->keeping;
    for (uint32_t i = 0; i < load->job_count; i++) {
        const struct spool_item *item = &keeping->items[i];
        load->accepted_count += item->error == OK && !item->is_known;
        load->replayed_count += item->error == OK && item->is_known;
        struct problem problem = {.error = item->error};
        if (item->error != OK && !bulk_reject(load, load->lines[i], &problem))
            return ERR_NO_MEMORY;
    }
    return OK;
}

static void refuse_full(struct load *load, err e)
{
    struct reply reply = bulk_reply(load);
    struct reply_headers headers = {0};
    reply_retry_after(&headers, SPOOL_RETRY_MS);
    reply_problem(&reply, &(struct problem){.error = e}, &headers);
    bulk_free(load);
}

void bulk_spooled(struct load *load)
{
    const struct gateway *gateway = load->bulk->gateway;
    err e = load->keeping->error;
    drop_records(load->keeping);
    if (e == OK)
        e = count(load);
    if (e == ERR_SPOOL_FULL || e == ERR_SPOOL_SHARE) {
        refuse_full(load, e);
        return;
    }
    if (e == ERR_KEY_REUSED) {
        bulk_refuse_other(load);
        return;
    }
    if (e != OK) {
        bulk_refuse(load, e, "");
        return;
    }
    spool_forward_wake(gateway->forward);
    tally_add(gateway->tally, TALLY_JOBS_REPLAYED, load->replayed_count);
    tally_add(gateway->tally, TALLY_JOBS_REFUSED, load->rejected_count);
    bulk_answer(load);
}
