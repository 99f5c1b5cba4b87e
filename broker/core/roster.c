// Station roster: the workers of a tenant that are connected, or still have jobs, page by page.

#include "broker/core/core_private.h"

enum {
    LINES_LEN = MSG_WORKERS_MAX * sizeof(struct msg_worker_line),
    TEXTS_LEN = ROSTER_WEIGHT * EFFECTS_ANSWER_BYTES - LINES_LEN,
};
static_assert((int)TEXTS_LEN >= (int)WORKERS_NAMES_LEN, "at least one worker fits a page");

static struct msg_worker_line line_of(const struct core *core, uint32_t no, uint8_t *room)
{
    const struct worker *worker = workers_at(&core->workers, no);
    struct workers_words words = workers_words(&core->workers, no, room);
    return (struct msg_worker_line){.worker_id = worker->id,
                                    .name = words.name,
                                    .types = words.types,
                                    .queues = words.queues,
                                    .slots = worker->slots,
                                    .running = worker->out_count,
                                    .connected = worker->peer != WORKERS_NONE,
                                    .quiet = worker->is_quiet,
                                    .drain = worker->drain,
                                    .since_at = worker->since_at};
}

void roster_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx)
{
    uint32_t limit = msg->worker_list.limit;
    if (limit == 0 || limit > MSG_WORKERS_MAX)
        limit = MSG_WORKERS_MAX;
    struct msg_worker_line *lines = arena_take_array(fx->arena, limit, sizeof *lines);
    CHECK(lines != NULL);
    struct msg_worker_listed listed = {.workers = lines};
    uint8_t *room = arena_take(fx->arena, TEXTS_LEN);
    CHECK(room != NULL);
    const uint8_t *end = room + TEXTS_LEN;
    uint32_t no = WORKERS_NONE;
    if (msg->worker_list.cursor < WORKERS_NONE)
        no = workers_from(&core->workers, msg->tenant, (uint32_t)msg->worker_list.cursor);
    while (no != WORKERS_NONE && listed.count < limit) {
        size_t len = workers_words_len(&core->workers, no);
        if (len > (size_t)(end - room))
            break;
        lines[listed.count++] = line_of(core, no, room);
        room += len;
        no = workers_from(&core->workers, msg->tenant, no + 1);
    }
    listed.cursor = no == WORKERS_NONE ? 0 : no;
    effects_send(fx, peer, MSG_WORKER_LISTED, msg->corr)->worker_listed = listed;
}
