// What a worker is told at its beginning: read, judged and copied.

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "proto/check.h"
#include "worker/sdk/worker_private.h"

#include <stdlib.h>

#define BROKER_DEFAULT "tcp://127.0.0.1:7400"
enum {
    GRACE_DEFAULT_MS = 25000,
    ABANDON_DEFAULT_MS = 10000,
    SIMULATIONS_MAX = 16, // no broker asks about more at once
};

static char *copy_text(const char *text, const char *otherwise)
{
    const char *from = text != NULL ? text : otherwise;
    if (from == NULL)
        return NULL;
    char *copy = strdup(from);
    CHECK(copy != NULL); // the header says what happens without memory
    return copy;
}

static const char *read_queues(struct weft_worker *worker, const struct weft_worker_options *read)
{
    if (read->queue_count > MSG_TYPES_MAX)
        return "at most 64 queues";
    if (read->queue_count > 0 && read->queues == NULL)
        return "queue_count without queues";
    worker->queues = calloc(read->queue_count + 1, sizeof *worker->queues);
    CHECK(worker->queues != NULL);
    for (size_t i = 0; i < read->queue_count; i++) {
        if (read->queues[i] == NULL || !check_name(slice_of_text(read->queues[i])))
            return "queues are names of 1 to 128 of a-z 0-9 . _ -";
        if (msg_hook_is_reserved(slice_of_text(read->queues[i])))
            return "queues: names that begin with 'weft.' are the fabric's own, and no worker gets "
                   "their jobs";
        worker->queues[i] = copy_text(read->queues[i], NULL);
        worker->queue_names[i] = slice_of_text(worker->queues[i]);
    }
    return NULL;
}

const char *weft_private_read_options(struct weft_worker *worker,
                                      const struct weft_worker_options *given)
{
    struct weft_worker_options read;
    if (!weft_private_read(given, &read, sizeof read))
        return "WEFT_WORKER_OPTIONS_INIT sets size" WEFT_PRIVATE_OR_LATER;
    worker->options = (struct weft_worker_options){
        .broker = copy_text(read.broker, BROKER_DEFAULT),
        .tenant = copy_text(read.tenant, "default"),
        .name = copy_text(read.name, "libweft"),
        .queue_count = read.queue_count,
        .concurrency = read.concurrency > 0 ? read.concurrency : 1,
        .data = copy_text(read.data, NULL),
        .grace_ms = read.grace_ms > 0 ? read.grace_ms : GRACE_DEFAULT_MS,
        .abandon_ms = read.abandon_ms > 0 ? read.abandon_ms : ABANDON_DEFAULT_MS,
        .prefetch = read.prefetch,
        .simulations = read.simulations > 0 ? read.simulations : 1,
        .log = read.log,
        .log_ctx = read.log_ctx};
    if (curve_load(read.curve_key, read.curve_server, &worker->curve, &worker->has_curve,
                   worker->problem) != OK)
        return worker->problem;
    if (worker->options.simulations > SIMULATIONS_MAX)
        return "simulations is 0 to 16";
    if (worker->options.concurrency > SLOTS_MAX || worker->options.prefetch > SLOTS_MAX ||
        worker->options.concurrency + worker->options.prefetch > SLOTS_MAX)
        return WORKER_TOO_MANY_SLOTS;
    if (!check_name(slice_of_text(worker->options.tenant)))
        return "tenant is 1 to 128 of a-z 0-9 . _ -";
    struct slice name = slice_of_text(worker->options.name);
    if (name.len > MSG_NAME_LEN_MAX || utf8_valid_len(name) != name.len)
        return "name is a text of at most 128 bytes, UTF-8";
    return read_queues(worker, &read);
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text); // our copy
}

void weft_private_free_options(struct weft_worker *worker)
{
    for (size_t i = 0; worker->queues != NULL && worker->queues[i] != NULL; i++)
        free(worker->queues[i]);
    free(worker->queues);
    free_text(worker->options.broker);
    free_text(worker->options.tenant);
    free_text(worker->options.name);
    free_text(worker->options.data);
}
