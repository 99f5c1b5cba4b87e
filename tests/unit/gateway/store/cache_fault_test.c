// Every call into the database library and to the disk fails once while a gateway keeps statuses. One may be missing; but what is
// told is what was put, and what was dropped does not come back with a place that says that it was.

// links: weft_disk

#include "gateway/store/cache.h"

#include "tests/support/disk_faults.h"

static const struct msg_place early = {1, 1, 10, 0};
static const struct msg_place late = {1, 1, 20, 0};

static struct id id_of(uint8_t number)
{
    return (struct id){{number, 0, 7}};
}

static struct cache *open_cache(struct faults_child *child, const char *dir)
{
    struct cache *cache = NULL;
    const char *why = NULL;
    const struct cache_options options = {.dir = dir, .count_max = 10, .bytes_max = 1 << 20};
    if (cache_open(&options, &cache, &why) == OK)
        return cache;
    (void)snprintf(child->why, sizeof child->why, "%s", why != NULL ? why : "");
    return NULL;
}

static void put(struct cache *cache, uint8_t number)
{
    const uint8_t value[] = {'v', number};
    struct id id = id_of(number);
    cache_put(cache, &id, slice_of(value, sizeof value), 1000);
}

static bool has(struct cache *cache, uint8_t number)
{
    struct id id = id_of(number);
    uint8_t *value = NULL;
    size_t len = 0;
    if (cache_get(cache, &id, 999, &value, &len) != OK)
        return false;
    CHECK(len == 2 && value[0] == 'v' && value[1] == number);
    free(value);
    return true;
}

static struct cache *open_or_end(struct faults_child *child, const char *dir)
{
    struct cache *cache = open_cache(child, dir);
    if (cache == NULL)
        _Exit(EXIT_FAILURE);
    return cache;
}

static void work(struct faults_child *child, const char *dir)
{
    struct cache *cache = open_or_end(child, dir);
    for (uint8_t number = 1; number <= 3; number++)
        put(cache, number);
    cache_set_place(cache, &early);
    child->begun = 1;
    cache_close(cache);
    child->settled = 1;
    cache = open_or_end(child, dir);
    for (uint8_t number = 1; number <= 3; number++)
        (void)has(cache, number); // from the disk
    struct id gone = id_of(1);
    cache_drop(cache, &gone);
    CHECK(!has(cache, 1));
    cache_set_place(cache, &late);
    put(cache, 4);
    child->begun = 2;
    cache_close(cache);
    child->settled = 2;
}

static void expect_true(struct faults_child *child, const char *dir)
{
    struct cache *cache = open_cache(child, dir);
    EXPECT(cache != NULL);
    struct msg_place place = cache_place(cache);
    bool is_known[5] = {false};
    for (uint8_t number = 1; number <= 4; number++)
        is_known[number] = has(cache, number);
    EXPECT(place.position == 0 || place.position == early.position ||
           place.position == late.position);
    EXPECT(place.position != late.position || !is_known[1]);
    // The second transaction has all of its own, or nothing.
    EXPECT(!is_known[4] || place.position == late.position);
    // A life that ended in peace without a fault has kept all.
    if (child->settled == 2 && atomic_load(&child->faults.hits) == 0)
        EXPECT(place.position == late.position && !is_known[1] && is_known[2] && is_known[3] &&
               is_known[4]);
    cache_close(cache);
}

TEST(cache_fault, each_call_fails_once_and_nothing_that_is_gone_comes_back)
{
    struct faults_sweep sweep = {.event = "gateway.cache_not_written",
                                 .step_count = 2,
                                 .scenario = work,
                                 .judge = expect_true};
    faults_sweep(&sweep);
    EXPECT(sweep.place_count >= 80 && sweep.ended * FAULTS_STEP > 20);
}
