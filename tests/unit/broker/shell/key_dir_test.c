// The directory of keys: what counts, and how much of it.

#include "broker/shell/key_dir.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static struct cert cert_of(const char *name)
{
    struct cert cert;
    cert_make(&cert);
    (void)snprintf(cert.name, sizeof cert.name, "%s", name);
    (void)snprintf(cert.tenant, sizeof cert.tenant, "acme");
    (void)snprintf(cert.scopes, sizeof cert.scopes, "read,work");
    return cert;
}

static void write_plainly(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    EXPECT(file != NULL);
    EXPECT(fputs(text, file) >= 0);
    EXPECT_EQ(fclose(file), 0);
}

static const char *locked_dir(int *out_lock)
{
    const char *dir = test_temp_dir();
    EXPECT_EQ(key_dir_lock(dir, out_lock), OK);
    return dir;
}

TEST(key_dir, what_is_put_is_read_until_it_is_dropped)
{
    int lock = -1;
    const char *dir = locked_dir(&lock);
    struct cert one = cert_of("one");
    struct cert two = cert_of("two");
    struct key_list list;
    struct cert found;
    EXPECT_EQ(key_dir_put(dir, &two), OK);
    EXPECT_EQ(key_dir_put(dir, &one), OK);
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    EXPECT_EQ(list.count, 2);
    EXPECT_STR(list.items[0].name, "one");
    EXPECT_STR(list.items[0].public_key, one.public_key);
    EXPECT_STR(list.items[0].secret_key, "");
    EXPECT_STR(list.items[1].scopes, "read,work");
    key_dir_free(&list);
    EXPECT_EQ(key_dir_peek(dir, "two", &found), OK);
    EXPECT_EQ(key_dir_drop(dir, "two"), OK);
    EXPECT_EQ(key_dir_drop(dir, "two"), ERR_NOT_FOUND);
    EXPECT_EQ(key_dir_peek(dir, "two", &found), ERR_NOT_FOUND);
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    EXPECT_EQ(list.count, 1);
    key_dir_free(&list);
    key_dir_unlock(lock);
}

TEST(key_dir, the_brokers_pair_is_made_once)
{
    int lock = -1;
    const char *dir = locked_dir(&lock);
    struct cert first;
    struct cert again;
    EXPECT_EQ(key_dir_own(dir, &first), OK);
    EXPECT_EQ(key_dir_own(dir, &again), OK);
    EXPECT_STR(again.secret_key, first.secret_key);
    write_plainly(dir, "broker.key", "curve\n");
    EXPECT_EQ(key_dir_own(dir, &again), ERR_DAMAGED);
    key_dir_unlock(lock);
}

TEST(key_dir, two_files_of_one_key_are_nobodys)
{
    int lock = -1;
    const char *dir = locked_dir(&lock);
    struct cert one = cert_of("one");
    struct cert other = cert_of("other");
    struct key_list list;
    EXPECT_EQ(key_dir_put(dir, &one), OK);
    EXPECT_EQ(key_dir_put(dir, &other), OK);
    (void)snprintf(one.name, sizeof one.name, "twin");
    EXPECT_EQ(key_dir_put(dir, &one), OK);
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    EXPECT_EQ(list.count, 1);
    EXPECT_STR(list.items[0].name, "other");
    EXPECT_EQ(list.skipped_count, 2);
    key_dir_free(&list);
    key_dir_unlock(lock);
}

TEST(key_dir, one_key_more_than_there_may_be_is_told)
{
    int lock = -1;
    const char *dir = locked_dir(&lock);
    char peers[PATH_MAX];
    char name[32];
    struct key_list list;
    (void)snprintf(peers, sizeof peers, "%s/peers", dir);
    for (uint32_t i = 0; i < KEY_DIR_COUNT_MAX; i++) {
        (void)snprintf(name, sizeof name, "%u.pub", i);
        write_plainly(peers, name, "curve\n");
    }
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    EXPECT_EQ(list.skipped_count, KEY_DIR_COUNT_MAX);
    key_dir_free(&list);
    write_plainly(peers, "more.pub", "curve\n");
    EXPECT_EQ(key_dir_read(dir, &list), ERR_FULL);
    key_dir_unlock(lock);
}

TEST(key_dir, quotas_are_kept_up_to_their_largest)
{
    int lock = -1;
    const char *dir = locked_dir(&lock);
    struct key_list list;
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    for (uint32_t i = 0; i < KEY_DIR_QUOTA_COUNT_MAX; i++) {
        struct key_quota *quota = &list.quotas[list.quota_count++];
        *quota = (struct key_quota){
            .requests = KEY_DIR_QUOTA_MAX, .bytes = KEY_DIR_QUOTA_MAX, .open = KEY_DIR_OPEN_MAX};
        memset(quota->tenant, 'x', CERT_WORD_LEN_MAX);
        quota->tenant[snprintf(quota->tenant, 8, "%u", i)] = 'x';
    }
    EXPECT_EQ(key_dir_put_quotas(dir, &list), OK); // all of them fit into KEY_DIR_QUOTAS_LEN_MAX
    key_dir_free(&list);
    EXPECT_EQ(key_dir_read(dir, &list), OK);
    EXPECT_EQ(list.quota_count, KEY_DIR_QUOTA_COUNT_MAX);
    EXPECT_EQ(list.quotas[7].open, KEY_DIR_OPEN_MAX);
    EXPECT_EQ(list.quotas[7].bytes, KEY_DIR_QUOTA_MAX);
    key_dir_free(&list);
    key_dir_unlock(lock);
}

TEST(key_dir, quotas_that_are_none_are_refused)
{
    static const char *const texts[] = {"acme 1 2\n",
                                        "acme 1 2 3",
                                        "acme -1 2 3\n",
                                        "acme 1099511627777 2 3\n",
                                        "acme 1 2 1073741825\n",
                                        "Acme 1 2 3\n",
                                        "acme  1 2 3\n",
                                        "acme 1 2 3 4\n"};
    int lock = -1;
    const char *dir = locked_dir(&lock);
    struct key_list list;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_plainly(dir, "quotas", texts[i]);
        EXPECT_EQ(key_dir_read(dir, &list), ERR_DAMAGED);
    }
    char *large = calloc(1, KEY_DIR_QUOTAS_LEN_MAX + 2);
    EXPECT(large != NULL);
    memset(large, 'x', KEY_DIR_QUOTAS_LEN_MAX + 1);
    write_plainly(dir, "quotas", large);
    free(large);
    EXPECT_EQ(key_dir_read(dir, &list), ERR_TOO_LARGE);
    key_dir_unlock(lock);
}

TEST(key_dir, a_lock_that_is_held_is_waited_for)
{
    int lock = -1;
    int second = -1;
    const char *dir = locked_dir(&lock);
    when_ms begun = clock_mono_ms();
    EXPECT_EQ(key_dir_lock(dir, &second), ERR_LOCKED);
    EXPECT(clock_mono_ms() - begun >= KEY_DIR_LOCK_MS);
    key_dir_unlock(lock);
    EXPECT_EQ(key_dir_lock(dir, &second), OK);
    key_dir_unlock(second);
}
