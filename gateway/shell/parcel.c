// A list linked both ways, the newest first.

#include "gateway/shell/parcel.h"

#include "lib/base/check.h"
#include "proto/wire.h"

#include <stdlib.h>

struct parcel *parcel_new(struct parcels *parcels, enum ask_kind kind)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL)
        return NULL;
    parcel->kind = kind;
    parcel->next = parcels->first;
    if (parcel->next != NULL)
        parcel->next->previous = parcel;
    parcels->first = parcel;
    if (kind == ASK_SUBMIT)
        parcels->submit_count++;
    return parcel;
}

void parcel_remove(struct parcels *parcels, struct parcel *parcel)
{
    CHECK(parcel->previous != NULL || parcels->first == parcel);
    if (parcel->previous != NULL)
        parcel->previous->next = parcel->next;
    else
        parcels->first = parcel->next;
    if (parcel->next != NULL)
        parcel->next->previous = parcel->previous;
    if (parcel->kind == ASK_SUBMIT)
        parcels->submit_count--;
    free(parcel->bytes);
    free(parcel);
}

err parcel_fill(struct parcel *parcel, const struct msg *msg, struct arena *arena)
{
    struct wire_frames frames;
    arena_reset(arena);
    err e = wire_encode(msg, arena, &frames);
    if (e != OK)
        return e;
    parcel->bytes = malloc(frames.envelope.len + frames.block.len + 1);
    if (parcel->bytes == NULL)
        return ERR_NO_MEMORY;
    parcel->envelope_len = frames.envelope.len;
    parcel->block_len = frames.block.len;
    memcpy(parcel->bytes, frames.envelope.data, frames.envelope.len);
    if (frames.block.len > 0)
        memcpy(parcel->bytes + frames.envelope.len, frames.block.data, frames.block.len);
    return OK;
}
