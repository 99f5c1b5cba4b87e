// What is kept, what goes, and what is there after a restart.

#include "gateway/store/cache.h"

#include "tests/support/full_disk.h"
#include "tests/support/test.h"

#include <poll.h>

static struct cache *open_cache(const char *dir, uint32_t count_max)
{
    struct cache *cache = NULL;
    const char *why = NULL;
    const struct cache_options options = {
        .dir = dir, .count_max = count_max, .bytes_max = 8 * 1024 * 1024};
    EXPECT_EQ(cache_open(&options, &cache, &why), OK);
    return cache;
}

static struct id id_of(unsigned number)
{
    return (struct id){{(uint8_t)number, (uint8_t)(number >> 8), 7}};
}

static void put(struct cache *cache, unsigned number, const char *text)
{
    struct id id = id_of(number);
    cache_put(cache, &id, slice_of_text(text), 1000);
}

static void drop(struct cache *cache, unsigned number)
{
    struct id id = id_of(number);
    cache_drop(cache, &id);
}

// Is `text` kept under this number? NULL: nothing is.
static bool has(struct cache *cache, unsigned number, const char *text)
{
    struct id id = id_of(number);
    uint8_t *value = NULL;
    size_t len = 0;
    if (cache_get(cache, &id, 999, &value, &len) != OK)
        return text == NULL && !cache_has(cache, &id);
    bool is_same = text != NULL && slice_is_text(slice_of(value, len), text);
    free(value);
    return is_same;
}

static struct cache_figures figures_of(struct cache *cache)
{
    struct cache_figures figures;
    cache_figures(cache, &figures);
    return figures;
}

// The cache's thread tells nobody how far it is.
static void pause_a_little(void)
{
    (void)poll(NULL, 0, 1);
}

static void wait_until_written(struct cache *cache, uint64_t count)
{
    while (figures_of(cache).written < count)
        pause_a_little();
}

TEST(cache, a_value_is_there_at_once_and_after_a_restart)
{
    const char *dir = test_temp_dir();
    const struct msg_place place = {1, 2, 3, 4};
    struct cache *cache = open_cache(dir, 10);
    EXPECT_EQ(cache_place(cache).epoch, 0);
    put(cache, 1, "one");
    put(cache, 2, "two");
    EXPECT(has(cache, 1, "one") && has(cache, 2, "two") && has(cache, 3, NULL));
    wait_until_written(cache, 2);
    EXPECT(has(cache, 1, "one")); // from the disk now
    cache_set_place(cache, &place);
    cache_close(cache);
    cache = open_cache(dir, 10);
    EXPECT(has(cache, 1, "one") && has(cache, 2, "two") && has(cache, 3, NULL));
    EXPECT_EQ(cache_place(cache).position, 3);
    EXPECT_EQ(cache_place(cache).lineage, 1);
    EXPECT_EQ(figures_of(cache).count, 2);
    cache_close(cache);
}

TEST(cache, what_is_dropped_is_gone_at_once_and_after_a_restart)
{
    const char *dir = test_temp_dir();
    struct cache *cache = open_cache(dir, 10);
    put(cache, 1, "one");
    put(cache, 2, "two");
    wait_until_written(cache, 2);
    put(cache, 3, "three");
    drop(cache, 1);
    drop(cache, 3); // not written yet
    drop(cache, 9);
    EXPECT(has(cache, 1, NULL) && has(cache, 2, "two") && has(cache, 3, NULL));
    cache_close(cache);
    cache = open_cache(dir, 10);
    EXPECT(has(cache, 1, NULL) && has(cache, 2, "two") && has(cache, 3, NULL));
    cache_drop_all(cache);
    EXPECT(has(cache, 2, NULL));
    put(cache, 2, "again");
    cache_close(cache);
    cache = open_cache(dir, 10);
    EXPECT(has(cache, 2, "again"));
    EXPECT_EQ(figures_of(cache).count, 1);
    cache_close(cache);
}

TEST(cache, a_later_value_stands_for_the_former)
{
    const char *dir = test_temp_dir();
    struct cache *cache = open_cache(dir, 10);
    put(cache, 1, "one");
    wait_until_written(cache, 1);
    put(cache, 1, "other");
    EXPECT(has(cache, 1, "other"));
    cache_close(cache);
    cache = open_cache(dir, 10);
    EXPECT(has(cache, 1, "other"));
    EXPECT_EQ(figures_of(cache).count, 1);
    cache_close(cache);
}

TEST(cache, a_value_ends_at_its_time)
{
    struct cache *cache = open_cache(test_temp_dir(), 10);
    struct id id = id_of(1);
    uint8_t *value = NULL;
    size_t len = 0;
    put(cache, 1, "one");
    EXPECT_EQ(cache_get(cache, &id, 1000, &value, &len), ERR_NOT_FOUND);
    EXPECT(has(cache, 1, "one"));
    cache_close(cache);
}

TEST(cache, so_many_are_kept_and_the_oldest_go_first)
{
    enum { COUNT = 5 };
    const char *dir = test_temp_dir();
    struct cache *cache = open_cache(dir, COUNT);
    for (unsigned i = 0; i < COUNT + 2; i++)
        put(cache, i, "value");
    EXPECT(has(cache, 0, NULL) && has(cache, 1, NULL));
    for (unsigned i = 2; i < COUNT + 2; i++)
        EXPECT(has(cache, i, "value"));
    EXPECT_EQ(figures_of(cache).count, COUNT);
    EXPECT_EQ(figures_of(cache).evicted, 2);
    cache_close(cache);
    // A smaller one begins anew.
    cache = open_cache(dir, 2);
    EXPECT_EQ(figures_of(cache).count, 0);
    EXPECT_EQ(cache_place(cache).epoch, 0);
    put(cache, 1, "value");
    cache_close(cache);
    cache = open_cache(dir, 2);
    EXPECT(has(cache, 1, "value"));
    cache_close(cache);
}

// The gateway's bound is STATUSES_BYTES_MAX.
TEST(cache, so_many_bytes_are_kept)
{
    enum { FIT = CACHE_WAITING_BYTES_MAX / CACHE_VALUE_LEN_MAX };
    struct cache *cache = NULL;
    const char *why = NULL;
    const struct cache_options options = {
        .dir = test_temp_dir(), .count_max = 1000, .bytes_max = 4 * 1024 * 1024};
    static uint8_t large[CACHE_VALUE_LEN_MAX + 1];
    EXPECT_EQ(cache_open(&options, &cache, &why), OK);
    for (unsigned i = 0; i < FIT; i++) {
        struct id id = id_of(i);
        cache_put(cache, &id, slice_of(large, CACHE_VALUE_LEN_MAX), 1000);
    }
    EXPECT(figures_of(cache).bytes <= options.bytes_max);
    EXPECT(figures_of(cache).evicted >= FIT / 2);
    struct id id = id_of(9999);
    uint64_t refused = figures_of(cache).refused;
    cache_put(cache, &id, slice_of(large, sizeof large), 1000);
    EXPECT(!cache_has(cache, &id));
    EXPECT_EQ(figures_of(cache).refused, refused + 1);
    cache_close(cache);
}

// As many bytes as may wait for a disk that takes nothing, and one byte more.
TEST(cache, so_many_bytes_wait)
{
    enum { FIT = CACHE_WAITING_BYTES_MAX / CACHE_VALUE_LEN_MAX };
    struct cache *cache = NULL;
    const char *why = NULL;
    const struct cache_options options = {
        .dir = test_temp_dir(), .count_max = 1000, .bytes_max = 64 * 1024 * 1024};
    static uint8_t large[CACHE_VALUE_LEN_MAX];
    is_disk_full = true;
    EXPECT_EQ(cache_open(&options, &cache, &why), OK);
    for (unsigned i = 0; i < FIT; i++) {
        struct id id = id_of(i);
        cache_put(cache, &id, slice_of(large, sizeof large), 1000);
    }
    uint64_t kept = figures_of(cache).count + figures_of(cache).refused;
    put(cache, 9999, "x");
    EXPECT_EQ(kept, FIT);
    EXPECT_EQ(figures_of(cache).count + figures_of(cache).refused, FIT + 1);
    is_disk_full = false;
    cache_close(cache);
}

// The disk takes nothing: so many wait, later ones are refused, and nothing is lost but them.
TEST(cache, a_full_disk_keeps_nothing_and_ends_nothing)
{
    const char *dir = test_temp_dir();
    is_disk_full = true;
    struct cache *cache = open_cache(dir, 4 * CACHE_WAITING_MAX);
    for (unsigned i = 0; i < 8 * CACHE_WAITING_MAX; i++)
        put(cache, i, "value");
    EXPECT(figures_of(cache).count <=
           2 * CACHE_WAITING_MAX); // so many wait, so many are in a flush
    EXPECT(figures_of(cache).refused > 0);
    while (figures_of(cache).count > 0)
        pause_a_little();
    EXPECT_EQ(figures_of(cache).written, 0);
    is_disk_full = false;
    while (figures_of(cache).written == 0) { // refused until what was in the way is cleared off
        if (!has(cache, 7, "value"))
            put(cache, 7, "value");
        pause_a_little();
    }
    EXPECT(has(cache, 7, "value"));
    cache_close(cache);
}

// Each change of the process's mind is as durable as the place that goes with it.
TEST(cache, many_come_and_go_and_the_disk_has_what_memory_has)
{
    enum { ROUNDS = 3000, IDS = 300 };
    const char *dir = test_temp_dir();
    struct cache *cache = open_cache(dir, IDS / 2);
    static bool is_there[IDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = (i * 7919) % IDS;
        if (i % 3 == 2)
            drop(cache, number);
        else
            put(cache, number, "value");
        if (i % 1000 != 999)
            continue;
        put(cache, IDS + i, "value"); // a flush comes in between
        wait_until_written(cache, figures_of(cache).written + 1);
    }
    uint64_t count = figures_of(cache).count;
    for (unsigned i = 0; i < IDS; i++)
        is_there[i] = has(cache, i, "value");
    cache_close(cache);
    cache = open_cache(dir, IDS / 2);
    EXPECT_EQ(figures_of(cache).count, count);
    for (unsigned i = 0; i < IDS; i++)
        EXPECT(has(cache, i, is_there[i] ? "value" : NULL));
    cache_close(cache);
}
