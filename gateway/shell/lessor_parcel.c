// Messages of a set that are under way: kept for as long as they may be repeated.

#include "gateway/shell/lessor_private.h"

#include "lib/base/origin.h"
#include "proto/wire.h"

#include <stdlib.h>

static err fill(struct lessor *lessor, struct lessor_parcel *parcel, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&lessor->out);
    err e = wire_encode(msg, &lessor->out, &frames);
    if (e != OK)
        return e;
    parcel->envelope_len = frames.envelope.len;
    parcel->block_len = frames.block.len;
    parcel->bytes = malloc(frames.envelope.len + frames.block.len + 1);
    if (parcel->bytes == NULL)
        return ERR_NO_MEMORY;
    memcpy(parcel->bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(parcel->bytes + frames.envelope.len, frames.block.data, frames.block.len);
    return OK;
}

err lessor_parcel_ask(struct lessor *lessor, struct lessor_pool *pool, struct msg *msg,
                      struct lessor_parcel given, when_ms now)
{
    struct lessor_parcel *parcel = malloc(sizeof *parcel);
    if (parcel == NULL)
        return ERR_NO_MEMORY;
    *parcel = given;
    parcel->kind = msg->kind;
    if (!origin_is_tenant(pool->tenant, (struct slice){0}))
        msg->tenant = pool->tenant;
    struct peer_request request = {.user = (uint64_t)(uintptr_t)parcel,
                                   .deadline = now + LESSOR_DEADLINE_MS};
    err e = peer_ask(&pool->peer, now, &request, &parcel->corr);
    if (e == OK) {
        msg->corr = parcel->corr;
        e = fill(lessor, parcel, msg);
        if (e != OK)
            (void)peer_drop(&pool->peer, parcel->corr);
    }
    if (e != OK) {
        lessor_parcel_free(parcel);
        return e;
    }
    parcel->next = pool->parcels;
    pool->parcels = parcel;
    return OK;
}

err lessor_parcel_send(struct lessor_pool *pool, struct lessor_parcel *parcel)
{
    struct slice envelope = slice_of(parcel->bytes, parcel->envelope_len);
    struct slice block = slice_of(parcel->bytes + parcel->envelope_len, parcel->block_len);
    err e = link_send(pool->link, (struct slice){0}, envelope, block);
    parcel->was_sent = parcel->was_sent || e == OK;
    return e;
}

err lessor_parcel_once(struct lessor *lessor, struct lessor_pool *pool, const struct msg *msg)
{
    struct wire_frames frames;
    arena_reset(&lessor->out);
    err e = wire_encode(msg, &lessor->out, &frames);
    return e != OK ? e : link_send(pool->link, (struct slice){0}, frames.envelope, frames.block);
}

struct lessor_parcel *lessor_parcel_take(struct lessor_pool *pool, struct lessor_parcel *parcel)
{
    struct lessor_parcel **at = &pool->parcels;
    while (*at != parcel)
        at = &(*at)->next;
    *at = parcel->next;
    return parcel;
}

void lessor_parcel_free(struct lessor_parcel *parcel)
{
    free(parcel->bytes);
    free(parcel);
}
