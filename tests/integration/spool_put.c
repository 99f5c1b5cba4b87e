// Puts a job into the spool of a stopped gateway that is sound on the disk and no message:
//
//     spool_put DIR TENANT

#include "gateway/store/spool.h"
#include "lib/sys/mint.h"

#include <pthread.h>
#include <stdio.h>

static struct id id;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_cond = PTHREAD_COND_INITIALIZER;
static bool is_done;
static err outcome;

static void done(struct spool_order *order, err e)
{
    pthread_mutex_lock(&lock);
    outcome = e == OK ? order->items[0].error : e;
    is_done = true;
    (void)pthread_cond_signal(&done_cond);
    pthread_mutex_unlock(&lock);
}

static err put(struct spool *spool, struct slice tenant)
{
    struct spool_item item = {.record = {.id = id,
                                         .spooled_at = 1,
                                         .tenant = tenant,
                                         .envelope = slice_of_text("\xff no message")}};
    struct spool_order order = {.act = SPOOL_TAKE, .items = &item, .count = 1, .done = done};
    spool_do(spool, &order);
    pthread_mutex_lock(&lock);
    while (!is_done)
        (void)pthread_cond_wait(&done_cond, &lock);
    pthread_mutex_unlock(&lock);
    return outcome;
}

int main(int argc, char **argv)
{
    struct spool *spool;
    const char *why = "";
    if (argc != 3)
        return 64;
    const struct spool_options options = {.dir = argv[1], .bytes_max = 1 << 20};
    const struct origin origin = {slice_of_text(argv[2]), slice_of_text("default")};
    id = mint_fresh(1796112000000, &origin);
    err e = spool_open(&options, &spool, &why);
    if (e == OK) {
        e = put(spool, slice_of_text(argv[2]));
        spool_close(spool);
    }
    char text[ID_TEXT_LEN + 1];
    id_to_text(&id, text);
    (void)printf("%s\n", e == OK ? text : why);
    return e == OK ? 0 : 1;
}
