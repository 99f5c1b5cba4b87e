// A directory of format 1, as the version before wrote it, is one of format 2 after its first open.

#include "broker/store/store_private.h"
#include "lib/disk/disk_private.h"
#include "tests/support/store_batch.h"
#include "tests/support/test.h"

static struct batcher batch; // too large for a stack
static const struct id acmes = {.bytes = {9}};
static const struct id nobodys = {.bytes = {8}};

static void write_batches(struct store *store)
{
    batcher_init(&batch, 8);
    batcher_begin(&batch);
    batcher_write(&batch, WRITE_BATCH)->batch =
        (struct batch_row){.id = acmes, .no = 3, .version = 7, .tenant = slice_of_text("acme")};
    batcher_write(&batch, WRITE_BATCH)->batch =
        (struct batch_row){.id = nobodys, .no = 4, .version = 8};
    batcher_close(&batch);
    EXPECT_EQ(store_commit(store, batch.writes, batch.write_count), OK);
}

// Format 1 found every batch by its id alone. What is damaged is left as it is.
static void age(struct store *store)
{
    struct disk_txn *txn = NULL;
    struct disk_key number = disk_key_of(3);
    struct disk_key rotten = disk_key_of(5);
    struct store_batch_key key = store_batch_key_of(slice_of_text("acme"), &acmes);
    EXPECT_EQ(key.len, sizeof acmes + 4);
    store->disk->format_newest = 1; // of which disk_renew() tells
    EXPECT_EQ(disk_begin(store->disk, &txn), OK);
    EXPECT_EQ(disk_drop(txn, TABLE_BATCH_IDS, store_batch_key_slice(&key)), OK);
    EXPECT_EQ(disk_put(txn, TABLE_BATCH_IDS, slice_of(acmes.bytes, sizeof acmes.bytes),
                       disk_key_slice(&number)),
              OK);
    EXPECT_EQ(disk_put(txn, TABLE_BATCHES, disk_key_slice(&rotten), slice_of_text("rot")), OK);
    EXPECT_EQ(disk_renew(txn), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    EXPECT_EQ(disk_format(store->disk), 1);
}

static uint32_t version_of(struct store_view *view, const char *tenant, const struct id *id)
{
    struct msg_batch_status_is status;
    EXPECT_EQ(store_view_batch_of(view, slice_of_text(tenant), id, &status), OK);
    return status.error == OK ? status.version : 0;
}

static void expect_batches(struct store *store)
{
    struct store_view *view = NULL;
    struct slice value = {0};
    EXPECT_EQ(store_view_open(store, &view), OK);
    EXPECT_EQ(store_view_begin(view), OK);
    EXPECT_EQ(version_of(view, "acme", &acmes), 7);
    EXPECT_EQ(version_of(view, "default", &acmes), 0);
    EXPECT_EQ(version_of(view, "default", &nobodys), 8);
    EXPECT_EQ(version_of(view, "acme", &nobodys), 0);
    EXPECT_EQ(
        disk_get(view->reader, TABLE_BATCH_IDS, slice_of(acmes.bytes, sizeof acmes.bytes), &value),
        ERR_NOT_FOUND);
    store_view_close(view);
}

TEST(store_convert, batches_of_tenants_are_found_by_tenant_and_id)
{
    const char *dir = test_temp_dir();
    struct store *store = store_in(dir);
    EXPECT_EQ(disk_format(store->disk), STORE_FORMAT);
    write_batches(store);
    expect_batches(store);
    age(store);
    store_close(store);
    for (uint32_t life = 0; life < 2; life++) {
        store = store_in(dir);
        EXPECT_EQ(disk_format(store->disk), STORE_FORMAT);
        expect_batches(store);
        store_close(store);
    }
}

// What the version before would say to a converted directory.
TEST(store_convert, an_earlier_version_refuses_what_was_converted)
{
    const char *dir = test_temp_dir();
    store_close(store_in(dir));
    static const char *const tables[] = {"meta"};
    char sentence[DISK_WHY_LEN];
    struct disk_options options = {.dir = dir,
                                   .why = sentence,
                                   .tables = tables,
                                   .table_count = 1,
                                   .allow_unsafe_place = true,
                                   .name = "broker",
                                   .format = STORE_FORMAT - 1};
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "later version") != NULL);
}

TEST(store_convert, default_has_its_ids_as_they_are)
{
    struct store_batch_key none = store_batch_key_of((struct slice){0}, &acmes);
    struct store_batch_key full = store_batch_key_of(slice_of_text("default"), &acmes);
    EXPECT(none.len == 16 && full.len == 16);
    EXPECT(memcmp(none.bytes, acmes.bytes, 16) == 0);
}
