// The power fails: a run of real batches through the real store is recorded down to each write
// and sync of its file. Then the file is built as a disk could have left it: cut anywhere, with
// any subset of the sectors that no sync had reached. Each such image is opened with the real
// store: every batch acknowledged before the cut is there, byte for byte, the one in flight is
// there in full or not at all, and the store goes on. With syncs ignored the same harness must
// find losses.
//
// WEFT_IMAGES=n for more images than 2,000.
// links: weft_broker_store weft_broker_core

#include "tests/power/recorder.h"

#include "broker/store/store.h"
#include "broker/store/store_record.h"
#include "tests/support/batcher.h"
#include "tests/support/small_limits.h"
#include "tests/support/test.h"

#include <sys/wait.h>

enum { BATCHES = 64, JOBS_MAX = 1200, SECTOR = 512, IMAGE_MAX = 16 << 20 };

static struct batcher batch;
static struct job_row rows[JOBS_MAX + 1];

// What the store held after each batch: the ledger's digest names the batch, `sum` is over all.
struct moment {
    uint64_t digest;
    uint64_t sum;
};
static struct moment moments[BATCHES + 1];

// --- the store's whole content as one number ---

static uint64_t mix_bytes(uint64_t sum, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return prng_mix(sum ^ len);
}

static uint64_t sum_of_job(struct store_view *view, const struct job_row *row, uint64_t sum)
{
    uint8_t bytes[STORE_RECORD_JOB_LEN + STORE_RECORD_JOB_TAIL_LEN + DISK_SEAL_LEN];
    struct disk_key key = disk_key_of(row->no);
    store_record_put_job(bytes, disk_key_slice(&key), row);
    sum = mix_bytes(sum, bytes, store_record_job_len(row));
    struct msg_submit_job body;
    struct msg_status_is status;
    if (store_view_body(view, row->no, &body) == OK)
        sum = mix_bytes(sum, body.payload.bytes.data, body.payload.bytes.len);
    if (store_view_status(view, &row->id, &status) != OK)
        return 0;
    sum = mix_bytes(sum, &status.error, sizeof status.error);
    return mix_bytes(sum, status.result.bytes.data, status.result.bytes.len);
}

static bool sum_of_store(struct store *store, uint64_t *out_sum)
{
    struct store_view *view = NULL;
    if (store_view_open(store, &view) != OK || store_view_begin(view) != OK)
        return false;
    struct known known = store_view_known(view);
    uint64_t sum = 0;
    for (uint64_t no = 1; no <= JOBS_MAX; no++) {
        struct job_row row;
        if (known.by_no(known.ctx, no, &row))
            sum = sum_of_job(view, &row, sum);
        sum = prng_mix(sum + no);
    }
    *out_sum = sum;
    store_view_close(view);
    struct store_figures figures = {0};
    store_figures(store, &figures);
    return figures.violations == 0 && figures.damaged == 0;
}

// --- the run ---

// Everything a broker's start would read is read, and its core takes it.
static bool load(struct store *store)
{
    struct limits limits = small_limits(JOBS_MAX);
    struct known known = {0};
    struct store_loaded loaded;
    void *memory = aligned_alloc(64, (core_size(&limits) + 63) / 64 * 64);
    CHECK(memory != NULL);
    memset(memory, 0, core_size(&limits));
    err e = store_load(store, core_init(memory, &limits, &known, 1), &loaded);
    free(memory);
    return e == OK && loaded.damaged_count == 0;
}

static bool open_store(const char *dir, struct store **out_store)
{
    struct store_options options = {
        .dir = dir, .map_bytes_max = 64 << 20, .allow_unsafe_place = true};
    const char *why = NULL;
    return store_open(&options, out_store, &why) == OK && load(*out_store);
}

// With the row of the only queue, which counts the same jobs as the ledger.
static void close_batch(void)
{
    struct write *queue = batcher_write(&batch, WRITE_QUEUE);
    queue->queue = (struct queue_row){.tenant = slice_of_text("default"),
                                      .queue = slice_of_text("default"),
                                      .accepted = batch.ledger.accepted};
    memcpy(queue->queue.counts, batch.ledger.counts, sizeof queue->queue.counts);
    batcher_close(&batch);
}

// New jobs, finishes of earlier ones with results up to several pages, tombstones, forgotten jobs.
static void make_batch(struct prng *prng, uint64_t *finished, uint64_t *removed)
{
    batcher_begin(&batch);
    batch.payload_len = prng_below(prng, BATCHER_TEXT_LEN);
    uint64_t first_new = batch.ledger.job_no_next;
    for (uint64_t i = prng_below(prng, 5); i > 0 && *removed + 8 < *finished; i--) {
        struct job_row *row = &rows[++*removed];
        batcher_write(&batch, DROP_JOB)->drop = *row;
        batcher_move(&batch, row, JOB_REMOVED);
    }
    for (uint64_t i = prng_below(prng, 16); i > 0 && *finished + 1 < first_new; i--) {
        struct job_row *row = &rows[++*finished];
        batcher_grant(&batch, row);
        batcher_finish(&batch, row, prng_below(prng, BATCHER_TEXT_LEN));
        batcher_put(&batch, row, false);
    }
    for (uint64_t i = prng_below(prng, 16) + 1; i > 0; i--) {
        struct job_row row = batcher_submit(&batch, prng_chance(prng, 30));
        rows[row.no] = row;
        batcher_put(&batch, &row, true);
    }
    close_batch();
}

static void note_moment(struct store *store, uint32_t number)
{
    moments[number].digest = batch.ledger.digest;
    EXPECT(sum_of_store(store, &moments[number].sum));
}

// Half of the batches before a restart, half after it, so that recovery is part of the run.
static void record_run(const char *dir)
{
    struct prng prng = prng_of(test_seed());
    uint64_t finished = 0;
    uint64_t removed = 0;
    struct store *store = NULL;
    batcher_init(&batch, 300);
    EXPECT(open_store(dir, &store));
    note_moment(store, 0);
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    recorder_watch(path);
    for (uint32_t i = 1; i <= BATCHES; i++) {
        make_batch(&prng, &finished, &removed);
        EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
        recorder_settled(i);
        note_moment(store, i);
        if (i == BATCHES / 2) {
            store_close(store);
            EXPECT(open_store(dir, &store));
        }
    }
    store_close(store);
    recorder.is_on = false;
}

// --- images ---

static uint8_t durable[IMAGE_MAX]; // what surely is on the disk
static uint64_t durable_len;
static uint8_t image[IMAGE_MAX];
static uint64_t image_len;

static void put(uint8_t *to, uint64_t *len, const struct recorder_event *event, uint64_t from,
                uint64_t until)
{
    CHECK(event->at + until <= IMAGE_MAX);
    memcpy(to + event->at + from, event->bytes + from, until - from);
    if (event->at + until > *len)
        *len = event->at + until;
}

// The events [settled, cut) are not all durable: of each write some sectors, by chance, are.
static void apply_some(const struct recorder_event *event, unsigned percent, struct prng *prng)
{
    for (uint64_t from = 0; from < event->len; from += SECTOR) {
        uint64_t until = from + SECTOR < event->len ? from + SECTOR : event->len;
        if (prng_chance(prng, percent))
            put(image, &image_len, event, from, until);
    }
}

struct cut {
    uint32_t place;       // events before it have returned; the one there is under way
    uint32_t settled;     // the last batch acknowledged by then
    bool is_barrier_free; // syncs are ignored: the negative control
};

// Is the write durable at the cut? An O_DSYNC one when it has returned, another one when a sync
// has returned since.
static bool is_durable(const struct cut *cut, uint32_t at, uint32_t last_sync)
{
    if (cut->is_barrier_free || at >= cut->place)
        return false;
    return recorder.events[at].kind == RECORDER_DSYNC || at < last_sync;
}

static void build_image(const struct cut *cut, struct prng *prng)
{
    static const unsigned chances[] = {0, 5, 50, 95, 100};
    unsigned percent = chances[prng_below(prng, sizeof chances / sizeof chances[0])];
    uint32_t last_sync = 0;
    for (uint32_t i = 0; i < cut->place; i++) {
        if (recorder.events[i].kind == RECORDER_SYNC)
            last_sync = i;
    }
    memcpy(image, durable, durable_len);
    if (image_len > durable_len)
        memset(image + durable_len, 0, image_len - durable_len);
    image_len = durable_len;
    for (uint32_t i = 0; i <= cut->place && i < recorder.count; i++) {
        const struct recorder_event *event = &recorder.events[i];
        if (event->kind != RECORDER_WRITE && event->kind != RECORDER_DSYNC)
            continue;
        if (is_durable(cut, i, last_sync))
            put(image, &image_len, event, 0, event->len);
        else
            apply_some(event, percent, prng);
    }
}

static struct cut cut_at(uint32_t place)
{
    struct cut cut = {.place = place};
    for (uint32_t i = 0; i < place; i++) {
        if (recorder.events[i].kind == RECORDER_SETTLED)
            cut.settled = recorder.events[i].batch;
    }
    return cut;
}

// Anywhere; four times in ten at the next place where something becomes durable or is told.
static uint32_t some_place(struct prng *prng)
{
    static const enum recorder_kind kinds[] = {RECORDER_SYNC, RECORDER_DSYNC, RECORDER_SETTLED};
    uint32_t place = (uint32_t)prng_below(prng, recorder.count);
    enum recorder_kind wanted = kinds[prng_below(prng, sizeof kinds / sizeof kinds[0])];
    if (prng_chance(prng, 40)) {
        while (place + 1 < recorder.count && recorder.events[place].kind != wanted)
            place++;
    }
    return place;
}

static void write_image(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, image, image_len), (ssize_t)image_len);
    EXPECT_EQ(close(fd), 0);
}

// --- the verdict, in a child: a broken image may take its process with it ---

enum verdict { WHOLE, UNOPENABLE, LOST, HALF, STUCK };

static bool goes_on(struct store *store)
{
    // Not batcher_init(): a child that touches all of it would copy all of it.
    batch.payload_len = 50;
    batch.has_lane = true;
    if (store_ledger(store, &batch.ledger) != OK)
        return false;
    batch.now = batch.ledger.store_time + 1;
    batcher_begin(&batch);
    for (unsigned i = 0; i < 3; i++) {
        struct job_row row = batcher_submit(&batch, false);
        batcher_put(&batch, &row, true);
    }
    close_batch();
    struct store_figures figures = {0};
    if (store_commit(store, batch.writes, batch.write_count) != OK)
        return false;
    store_figures(store, &figures);
    return figures.violations == 0;
}

static enum verdict judge(const char *dir, uint32_t settled)
{
    struct store *store = NULL;
    struct ledger_row ledger;
    uint64_t sum = 0;
    if (!open_store(dir, &store) || store_ledger(store, &ledger) != OK)
        return UNOPENABLE;
    uint32_t found = 0;
    while (found <= BATCHES && moments[found].digest != ledger.digest)
        found++;
    if (found > BATCHES || found < settled)
        return LOST;
    if (found > settled + 1 || !sum_of_store(store, &sum) || sum != moments[found].sum)
        return HALF;
    return goes_on(store) ? WHOLE : STUCK;
}

static enum verdict judge_apart(const char *dir, uint32_t settled)
{
    (void)fflush(NULL);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
        for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
            (void)sigaction(deadly[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        int quiet = open("/dev/null", O_WRONLY);
        (void)dup2(quiet, STDERR_FILENO);
        (void)alarm(10);
        _exit((int)judge(dir, settled));
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? (enum verdict)WEXITSTATUS(status) : UNOPENABLE;
}

struct tally {
    uint32_t verdicts[STUCK + 1];
    uint32_t in_data; // cuts while a page was being written
    uint32_t in_meta; // cuts while the commit point was being written
};

static uint32_t image_count(uint32_t standard)
{
    const char *wanted = getenv("WEFT_IMAGES");
    return wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : standard;
}

// A memory file system takes the images where there is one: what is tested is not its syncing.
static const char *image_dir(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
    return test_temp_dir();
}

static struct tally try_images(uint32_t count, bool is_barrier_free)
{
    struct tally tally = {0};
    struct prng prng = prng_of(test_seed() + is_barrier_free);
    const char *dir = image_dir();
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    for (uint32_t i = 0; i < count; i++) {
        struct cut cut = cut_at(some_place(&prng));
        cut.is_barrier_free = is_barrier_free;
        build_image(&cut, &prng);
        write_image(path);
        enum verdict verdict = judge_apart(dir, cut.settled);
        tally.verdicts[verdict]++;
        tally.in_data += recorder.events[cut.place].kind == RECORDER_WRITE;
        tally.in_meta += recorder.events[cut.place].kind == RECORDER_DSYNC;
        if (verdict != WHOLE && !is_barrier_free)
            print_error("image %u: cut at event %u of %u after batch %u: verdict %d\n", i,
                        cut.place, recorder.count, cut.settled, (int)verdict);
    }
    print_message("%u images%s: %u whole, %u lost, %u half, %u unopenable, %u stuck; cut %u times "
                  "in data, %u times in meta\n",
                  count, is_barrier_free ? " without syncs" : "", tally.verdicts[WHOLE],
                  tally.verdicts[LOST], tally.verdicts[HALF], tally.verdicts[UNOPENABLE],
                  tally.verdicts[STUCK], tally.in_data, tally.in_meta);
    return tally;
}

static void read_start(const char *dir)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    FILE *file = fopen(path, "r");
    EXPECT(file != NULL);
    durable_len = fread(durable, 1, sizeof durable, file);
    EXPECT_EQ(fclose(file), 0);
}

TEST(powerloss, nothing_acknowledged_is_lost_and_the_harness_can_tell)
{
    const char *dir = test_temp_dir();
    struct store *store = NULL;
    EXPECT(open_store(dir, &store)); // makes the file, whose first state is taken as durable
    store_close(store);
    read_start(dir);
    record_run(dir);

    uint32_t count = image_count(2000);
    struct tally tally = try_images(count, false);
    EXPECT_EQ(tally.verdicts[WHOLE], count);
    EXPECT(tally.in_data > count / 20);
    EXPECT(tally.in_meta > count / 20);

    // A harness that finds nothing with syncing off finds nothing at all.
    struct tally control = try_images(count / 10 + 10, true);
    EXPECT(control.verdicts[LOST] + control.verdicts[UNOPENABLE] + control.verdicts[HALF] >
           count / 50);
    EXPECT(control.verdicts[LOST] > 0);
}
