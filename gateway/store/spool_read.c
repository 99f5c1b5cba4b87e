// Reading, beside the writer.

#include "gateway/store/spool_private.h"
#include "lib/sys/log.h"

#include <inttypes.h>

static err walk(struct spool *spool, enum spool_place place, uint64_t from, spool_visit *visit,
                void *ctx)
{
    struct slice key;
    struct slice value;
    struct spool_record record;
    const struct disk_key first = disk_key_of(from);
    err e = disk_seek(spool->reader, spool_table_of(place), disk_key_slice(&first), &key, &value);
    for (; e == OK; e = disk_next(spool->reader, &key, &value)) {
        if (spool_record_decode(value, key, &record) != OK || record.place != place)
            log_error("gateway.spool_damaged", "number=%" PRIu64, disk_key_number(key));
        else if (!visit(ctx, &record))
            return OK;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

err spool_walk(struct spool *spool, enum spool_place place, uint64_t from, spool_visit *visit,
               void *ctx)
{
    pthread_mutex_lock(&spool->reading);
    err e = disk_read_begin(spool->reader);
    if (e == OK) {
        e = walk(spool, place, from, visit, ctx);
        disk_read_end(spool->reader);
    }
    pthread_mutex_unlock(&spool->reading);
    return e;
}

static err look(struct spool *spool, const struct id *id, spool_visit *visit, void *ctx)
{
    struct slice id_key = slice_of(id->bytes, sizeof id->bytes);
    struct slice value;
    struct spool_mark mark;
    struct spool_record record;
    err e = disk_get(spool->reader, SPOOL_TABLE_IDS, id_key, &value);
    if (e == OK)
        e = spool_record_decode_id(value, id_key, &mark);
    if (e != OK)
        return e;
    struct disk_key key = disk_key_of(mark.number);
    e = disk_get(spool->reader, spool_table_of(mark.place), disk_key_slice(&key), &value);
    if (e == OK)
        e = spool_record_decode(value, disk_key_slice(&key), &record);
    if (e == OK)
        (void)visit(ctx, &record);
    return e;
}

err spool_look(struct spool *spool, const struct id *id, spool_visit *visit, void *ctx)
{
    pthread_mutex_lock(&spool->reading);
    err e = disk_read_begin(spool->reader);
    if (e == OK) {
        e = look(spool, id, visit, ctx);
        disk_read_end(spool->reader);
    }
    pthread_mutex_unlock(&spool->reading);
    return e;
}

bool spool_is_open(const struct spool *spool)
{
    return spool->bytes_max > 0;
}

uint64_t spool_waiting(const struct spool *spool)
{
    return atomic_load(&spool->waiting);
}

uint64_t spool_departures(const struct spool *spool)
{
    return atomic_load(&spool->departures);
}

void spool_books(struct spool *spool, struct spool_account *out_account)
{
    pthread_mutex_lock(&spool->lock);
    *out_account = spool->books;
    pthread_mutex_unlock(&spool->lock);
}

uint64_t spool_bytes_max(const struct spool *spool)
{
    return spool->bytes_max;
}
