// What the store makes of this disk: submit and finish of every job, each in flushed commits, by
// batch; the floor beside it is plain LMDB doing the least that keeps the jobs: an append of the
// body and a small row written twice. One JSON line per batch size. Then the restart: how long
// until a core holds a million unfinished jobs, every second of them with a key; from the page cache
// and from the disk.
//   store_bench [jobs [payload [directory]]]

#include "broker/store/store.h"
#include "lib/disk/disk.h"
#include "lib/sys/clock.h"
#include "tests/support/batcher.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FLOOR_BODIES, FLOOR_STATES, FLOOR_TABLES };

struct measure {
    double jobs_per_s;
    double cpu_us; // per job
    uint64_t bytes_per_job;
};

static struct batcher batch;
static struct job_row waiting[BATCHER_JOBS_MAX];

static void expect(err e, const char *what)
{
    if (e == OK)
        return;
    fprintf(stderr, "store_bench: %s: %s\n", what, err_text(e));
    exit(1);
}

static int64_t cpu_us(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage); // cannot fail for the process itself
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static char *fresh_dir(const char *root)
{
    char *path = NULL;
    if (asprintf(&path, "%s/weft-bench-XXXXXX", root) < 0 || mkdtemp(path) == NULL)
        expect(ERR_SYSTEM, root);
    return path;
}

static void remove_dir(char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); // a leftover harms nobody
    free(path);
}

// One commit takes `size` new jobs in and finishes the `size` before them, as the broker does
// under load.
static void store_round(struct store *store, uint32_t size, uint32_t *waiting_count)
{
    batcher_begin(&batch);
    for (uint32_t i = 0; i < *waiting_count; i++) {
        batcher_finish(&batch, &waiting[i], 0);
        batcher_put(&batch, &waiting[i], false);
    }
    for (uint32_t i = 0; i < size; i++) {
        waiting[i] = batcher_submit(&batch, false);
        batcher_grant(&batch, &waiting[i]);
        batcher_put(&batch, &waiting[i], true);
    }
    *waiting_count = size;
    batcher_close(&batch);
    expect(store_commit(store, batch.writes, batch.write_count), "commit");
}

static struct measure measure_store(const char *root, uint64_t job_count, uint32_t size,
                                    size_t payload_len)
{
    char *dir = fresh_dir(root);
    struct store_options options = {
        .dir = dir, .ahead_bytes = 64 << 20, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    err e = store_open(&options, &store, &why);
    expect(e, why != NULL ? why : "open");
    batcher_init(&batch, payload_len);
    uint32_t waiting_count = 0;
    int64_t cpu = cpu_us();
    int64_t start = clock_mono_us();
    for (uint64_t done = 0; done < job_count; done += size)
        store_round(store, size, &waiting_count);
    int64_t took = clock_mono_us() - start;
    cpu = cpu_us() - cpu;
    struct store_figures figures = {0};
    store_figures(store, &figures);
    if (figures.violations != 0)
        expect(ERR_DAMAGED, "the law");
    store_close(store);
    remove_dir(dir);
    return (struct measure){.jobs_per_s = (double)job_count * 1e6 / (double)took,
                            .cpu_us = (double)cpu / (double)job_count,
                            .bytes_per_job = figures.file_bytes / job_count};
}

static void floor_round(struct disk *disk, uint64_t first, uint32_t size, size_t payload_len)
{
    static uint8_t payload[BATCHER_TEXT_LEN];
    uint8_t state[32] = {0};
    struct disk_txn *txn = NULL;
    expect(disk_begin(disk, &txn), "begin");
    for (uint64_t no = first; no < first + size; no++) {
        struct disk_key key = disk_key_of(no);
        expect(disk_append(txn, FLOOR_BODIES, disk_key_slice(&key), slice_of(payload, payload_len)),
               "append");
        expect(disk_append(txn, FLOOR_STATES, disk_key_slice(&key), slice_of(state, sizeof state)),
               "append");
    }
    for (uint64_t no = first > size ? first - size : first; no < first; no++) {
        struct disk_key key = disk_key_of(no);
        expect(disk_put(txn, FLOOR_STATES, disk_key_slice(&key), slice_of(state, sizeof state)),
               "put");
    }
    expect(disk_commit(txn), "commit");
}

static struct measure measure_floor(const char *root, uint64_t job_count, uint32_t size,
                                    size_t payload_len)
{
    static const char *const tables[FLOOR_TABLES] = {"bodies", "states"};
    char *dir = fresh_dir(root);
    struct disk_options options = {.dir = dir,
                                   .tables = tables,
                                   .table_count = FLOOR_TABLES,
                                   .map_start_bytes = UINT64_C(4) << 30,
                                   .ahead_bytes = 64 << 20,
                                   .allow_unsafe_place = true};
    struct disk *disk = NULL;
    const char *why = NULL;
    err e = disk_open(&options, &disk, &why);
    expect(e, why != NULL ? why : "open");
    int64_t cpu = cpu_us();
    int64_t start = clock_mono_us();
    for (uint64_t done = 0; done < job_count; done += size)
        floor_round(disk, done + 1, size, payload_len);
    int64_t took = clock_mono_us() - start;
    cpu = cpu_us() - cpu;
    struct disk_usage usage = {0};
    disk_usage(disk, &usage);
    disk_close(disk);
    remove_dir(dir);
    return (struct measure){.jobs_per_s = (double)job_count * 1e6 / (double)took,
                            .cpu_us = (double)cpu / (double)job_count,
                            .bytes_per_job = usage.file_bytes / job_count};
}

// --- restart ---

static void fill(const char *dir, uint64_t job_count)
{
    struct store_options options = {.dir = dir, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    err e = store_open(&options, &store, &why);
    expect(e, why != NULL ? why : "open");
    batcher_init(&batch, 100);
    for (uint64_t done = 0; done < job_count; done += 1000) {
        batcher_begin(&batch);
        for (uint32_t i = 0; i < 1000; i++) {
            struct job_row row = batcher_submit(&batch, i % 2 == 0);
            batcher_put(&batch, &row, true);
        }
        batcher_close(&batch);
        expect(store_commit(store, batch.writes, batch.write_count), "commit");
    }
    store_close(store);
}

// Takes the file out of the page cache, as after a boot.
static void make_cold(const char *dir)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        expect(ERR_SYSTEM, path);
    (void)close(fd); // only read
}

static void measure_restart(const char *dir, bool is_cold)
{
    struct limits limits = limits_default();
    struct known known = {0};
    void *memory = mmap(NULL, core_size(&limits), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    expect(memory == MAP_FAILED ? ERR_NO_MEMORY : OK, "memory of the core");
    if (is_cold)
        make_cold(dir);
    struct store_options options = {.dir = dir, .allow_unsafe_place = true};
    struct store *store = NULL;
    struct store_loaded loaded = {0};
    const char *why = NULL;
    int64_t cpu = cpu_us();
    int64_t start = clock_mono_us();
    expect(store_open(&options, &store, &why), "open");
    int64_t opened = clock_mono_us();
    expect(store_load(store, core_init(memory, &limits, &known, 1), &loaded), "load");
    int64_t done = clock_mono_us();
    printf("{\"bench\":\"store_restart\",\"cold\":%s,\"unfinished\":%" PRIu64 ",\"keys\":%" PRIu64
           ",\"open_ms\":%.1f,\"load_ms\":%.1f,\"cpu_ms\":%.1f}\n",
           is_cold ? "true" : "false", loaded.job_count, loaded.key_count,
           (double)(opened - start) / 1000, (double)(done - opened) / 1000,
           (double)(cpu_us() - cpu) / 1000);
    store_close(store);
    (void)munmap(memory, core_size(&limits));
}

static void measure_restarts(const char *root)
{
    char *dir = fresh_dir(root);
    fill(dir, 1000 * 1000);
    measure_restart(dir, false);
    measure_restart(dir, true);
    remove_dir(dir);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {1, 16, 64, 256, 1000};
    uint64_t job_count = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
    size_t payload_len = argc > 2 ? strtoull(argv[2], NULL, 10) : 300;
    const char *root = argc > 3 ? argv[3] : "/tmp";
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        // Small batches are bound by the flush alone; fewer of them tell the same.
        uint64_t count =
            job_count < UINT64_C(4000) * sizes[i] ? job_count : UINT64_C(4000) * sizes[i];
        struct measure floor = measure_floor(root, count, sizes[i], payload_len);
        struct measure store = measure_store(root, count, sizes[i], payload_len);
        printf("{\"bench\":\"store\",\"batch\":%" PRIu32 ",\"jobs\":%" PRIu64 ",\"payload\":%zu,"
               "\"jobs_per_s\":%.0f,\"cpu_us\":%.2f,\"bytes_per_job\":%" PRIu64 ","
               "\"floor_jobs_per_s\":%.0f,\"floor_cpu_us\":%.2f,\"floor_bytes_per_job\":%" PRIu64
               "}\n",
               sizes[i], count, payload_len, store.jobs_per_s, store.cpu_us, store.bytes_per_job,
               floor.jobs_per_s, floor.cpu_us, floor.bytes_per_job);
        (void)fflush(stdout);
    }
    measure_restarts(root);
    return 0;
}
