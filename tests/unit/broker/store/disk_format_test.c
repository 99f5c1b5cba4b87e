// docs/disk-format.md says what the code does: kinds, lengths, offsets, tables.
// links: weft_broker_store weft_broker_core

#include "broker/store/store.h"
#include "broker/store/store_record.h"
#include "tests/support/test.h"

#include <lmdb.h>

static char page[1 << 16];

static void read_page(void)
{
    FILE *file = test_open_page("disk-format.md");
    size_t len = fread(page, 1, sizeof page - 1, file);
    page[len] = '\0';
    EXPECT_EQ(fclose(file), 0);
}

// The section of a record, up to the next heading; its title must say kind and length.
static const char *section_of(const char *name, unsigned kind, size_t len, bool is_fixed)
{
    char title[128];
    (void)snprintf(title, sizeof title, "### %s (kind %u, %s%zu bytes)\n", name, kind,
                   is_fixed ? "" : "at least ", len);
    const char *section = strstr(page, title);
    if (section == NULL)
        print_error("missing in docs/disk-format.md: %s", title);
    EXPECT(section != NULL);
    return section + strlen(title);
}

// The rows of the section's table follow each other without a gap and end at `len`.
static void expect_rows(const char *section, size_t len, bool is_fixed)
{
    const char *end = strstr(section, "\n##");
    size_t at = 0;
    bool has_rest = false;
    for (const char *row = strstr(section, "\n| "); row != NULL && (end == NULL || row < end);
         row = strstr(row + 1, "\n| ")) {
        size_t offset = 0;
        char bytes[16] = "";
        if (sscanf(row, "\n| %zu | %15[^ |] |", &offset, bytes) != 2)
            continue; // the head of the table
        EXPECT_EQ(offset, at);
        EXPECT(!has_rest);
        size_t width = strtoul(bytes, NULL, 10);
        has_rest = width == 0;
        at += width;
    }
    EXPECT_EQ(at, len);
    EXPECT_EQ(has_rest, !is_fixed);
}

TEST(disk_format, page_draws_every_record_as_it_is)
{
    static const struct {
        const char *name;
        unsigned kind;
        size_t len; // of the fixed part
        bool is_fixed;
        size_t tail_len;
    } records[] = {
        {"origin", STORE_RECORD_ORIGIN, STORE_RECORD_ORIGIN_LEN, true, 0},
        {"ledger", STORE_RECORD_LEDGER, STORE_RECORD_LEDGER_LEN, true, 0},
        {"job", STORE_RECORD_JOB, STORE_RECORD_JOB_LEN, true,
         STORE_RECORD_JOB_TAIL_LEN + STORE_RECORD_JOB_HOOK_LEN},
        {"body", STORE_RECORD_BODY, 8, false, 0},
        {"outcome", STORE_RECORD_OUTCOME, 16, false, 0},
        {"progress", STORE_RECORD_PROGRESS, 24, false, 0},
        {"key", STORE_RECORD_KEY, STORE_RECORD_KEY_LEN, true, 0},
        {"segment", STORE_RECORD_SEGMENT, STORE_RECORD_SEGMENT_LEN, true, 0},
        {"lane", STORE_RECORD_LANE, 1, false, 0},
        {"policy", STORE_RECORD_POLICY, STORE_RECORD_POLICY_LEN, true,
         STORE_RECORD_POLICY_TAIL_LEN},
        {"batch", STORE_RECORD_BATCH, STORE_RECORD_BATCH_LEN, true,
         STORE_RECORD_BATCH_TAIL_LEN + STORE_RECORD_BATCH_PRINT_LEN},
        {"event", STORE_RECORD_EVENT, STORE_RECORD_EVENT_HEAD_LEN, false, 0},
        {"log", STORE_RECORD_LOG, STORE_RECORD_LOG_HEAD_LEN, false, 0},
        {"queue", STORE_RECORD_QUEUE, STORE_RECORD_QUEUE_HEAD_LEN, false, 0},
        {"type", STORE_RECORD_TYPE, STORE_RECORD_TYPE_HEAD_LEN, false, 0},
        {"unique", STORE_RECORD_UNIQUE, STORE_RECORD_UNIQUE_LEN, true, 0},
        {"dependency", STORE_RECORD_DEP, STORE_RECORD_DEP_HEAD_LEN, false, 0},
        {"schedule", STORE_RECORD_SCHEDULE, STORE_RECORD_SCHEDULE_STATE_LEN + 11, false, 0},
        {"operation", STORE_RECORD_OPERATION, STORE_RECORD_OPERATION_HEAD_LEN, false, 0},
        {"endpoint", STORE_RECORD_ENDPOINT, STORE_RECORD_ENDPOINT_HEAD_LEN, false, 0},
    };
    read_page();
    EXPECT_EQ(records[sizeof records / sizeof records[0] - 1].kind, STORE_RECORD_ENDPOINT);
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        const char *section =
            section_of(records[i].name, records[i].kind, records[i].len, records[i].is_fixed);
        expect_rows(section, records[i].len + records[i].tail_len, records[i].is_fixed);
    }
}

// The least a record of varying length can be is what the page says.
TEST(disk_format, shortest_records_have_the_lengths_on_the_page)
{
    struct msg_submit_job job = {0};
    struct msg_finish_job finish = {0};
    struct msg_progress progress = {0};
    struct lane_row lane = {0};
    struct event_row event = {0};
    EXPECT_EQ(store_record_body_len(&job), 8 + DISK_SEAL_LEN);
    EXPECT_EQ(store_record_outcome_len(&finish), 16 + DISK_SEAL_LEN);
    EXPECT_EQ(store_record_progress_len(&progress), 24 + DISK_SEAL_LEN);
    EXPECT_EQ(store_record_lane_len(&lane), 1 + DISK_SEAL_LEN);
    EXPECT_EQ(store_record_event_len(&event), 71 + DISK_SEAL_LEN);
}

static void make_store(const char *dir)
{
    struct store_options options = {.dir = dir, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    store_close(store);
}

TEST(disk_format, page_names_every_table_of_the_file)
{
    read_page();
    const char *dir = test_temp_dir();
    make_store(dir);
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi names = 0;
    MDB_cursor *cursor = NULL;
    EXPECT_EQ(mdb_env_create(&env), 0);
    EXPECT_EQ(mdb_env_open(env, dir, MDB_RDONLY, 0600), 0);
    EXPECT_EQ(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, NULL, 0, &names), 0);
    EXPECT_EQ(mdb_cursor_open(txn, names, &cursor), 0);
    MDB_val key = {0};
    MDB_val value = {0};
    unsigned count = 0;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        char row[64];
        (void)snprintf(row, sizeof row, "\n| `%.*s` |", (int)key.mv_size, (char *)key.mv_data);
        if (strstr(page, row) == NULL)
            print_error("no such table in docs/disk-format.md: %s\n", row);
        EXPECT(strstr(page, row) != NULL);
        count++;
    }
    EXPECT_EQ(count, 22);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}
