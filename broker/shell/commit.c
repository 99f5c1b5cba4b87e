// The commit thread. One batch travels there through `next` and back through `done`.

#include "broker/shell/commit.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { COMMIT_FAILED_EXIT = 74 };

struct commit {
    struct commit_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct batch *next; // under the mutex
    bool is_stopping;   // under the mutex
    _Atomic(struct batch *) done;
};

void commit_now(const struct order *order, const struct store *store, const struct batch *batch)
{
    failpoint_hit("broker.before_commit");
    err e = order->append(order->ctx, batch->number, &batch->effects);
    if (e != OK) {
        log_error("store.commit_failed", "batch=%llu error=%s why=%s",
                  (unsigned long long)batch->number, err_slug(e),
                  log_quote_text(store_fault(store)).text);
        _exit(COMMIT_FAILED_EXIT);
    }
    failpoint_hit("broker.after_commit");
}

static struct batch *wait_for_work(struct commit *commit)
{
    (void)pthread_mutex_lock(&commit->mutex);
    while (commit->next == NULL && !commit->is_stopping)
        (void)pthread_cond_wait(&commit->has_work, &commit->mutex);
    struct batch *batch = commit->next;
    commit->next = NULL;
    (void)pthread_mutex_unlock(&commit->mutex);
    return batch;
}

static void *run(void *ctx)
{
    struct commit *commit = ctx;
    process_name("commit");
    struct batch *batch = wait_for_work(commit);
    while (batch != NULL) {
        int64_t started_us = clock_mono_us();
        commit_now(&commit->options.order, commit->options.store, batch);
        batch->commit_us = clock_mono_us() - started_us;
        store_figures(commit->options.store, &batch->figures);
        atomic_store_explicit(&commit->done, batch, memory_order_release);
        wake_ring(commit->options.wake);
        batch = wait_for_work(commit);
    }
    return NULL;
}

err commit_open(const struct commit_options *options, struct commit **out_commit)
{
    struct commit *commit = calloc(1, sizeof *commit);
    if (commit == NULL)
        return ERR_NO_MEMORY;
    commit->options = *options;
    (void)pthread_mutex_init(&commit->mutex, NULL);   // cannot fail with default attributes
    (void)pthread_cond_init(&commit->has_work, NULL); // the same
    if (pthread_create(&commit->thread, NULL, run, commit) != 0) {
        free(commit);
        return ERR_SYSTEM;
    }
    *out_commit = commit;
    return OK;
}

void commit_close(struct commit *commit)
{
    if (commit == NULL)
        return;
    (void)pthread_mutex_lock(&commit->mutex);
    commit->is_stopping = true;
    (void)pthread_cond_signal(&commit->has_work);
    (void)pthread_mutex_unlock(&commit->mutex);
    (void)pthread_join(commit->thread, NULL);
    (void)pthread_cond_destroy(&commit->has_work);
    (void)pthread_mutex_destroy(&commit->mutex);
    free(commit);
}

void commit_begin(struct commit *commit, struct batch *batch)
{
    (void)pthread_mutex_lock(&commit->mutex);
    CHECK(commit->next == NULL);
    commit->next = batch;
    (void)pthread_cond_signal(&commit->has_work);
    (void)pthread_mutex_unlock(&commit->mutex);
}

bool commit_is_done(const struct commit *commit)
{
    return atomic_load_explicit(&commit->done, memory_order_acquire) != NULL;
}

struct batch *commit_take(struct commit *commit)
{
    return atomic_exchange_explicit(&commit->done, NULL, memory_order_acquire);
}
