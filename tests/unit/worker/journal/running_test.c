// The file that names processes: whatever is in it, nobody is taken for somebody else.

#include "worker/journal/running.h"

#include "lib/sys/file.h"
#include "tests/support/test.h"

static char path[512];

static void begin(void)
{
    (void)snprintf(path, sizeof path, "%s/running", test_temp_dir());
}

TEST(running, no_file_is_nobody)
{
    begin();
    struct running_last last = {.session = 7};
    EXPECT_EQ(running_read(path, &last), OK);
    EXPECT_EQ(last.session, 0);
    EXPECT_EQ(last.count, 0);
}

TEST(running, the_last_words_are_read)
{
    begin();
    struct running running;
    struct running_last last;
    EXPECT_EQ(running_open(path, 42, 3, &running), OK);
    struct running_process process = {.pid = 1234, .start_ticks = 987654321};
    EXPECT_EQ(running_set(&running, 1, &process), OK);
    EXPECT_EQ(running_set(&running, 2, &process), OK);
    EXPECT_EQ(running_set(&running, 2, &(struct running_process){0}), OK);
    running_close(&running);
    EXPECT_EQ(running_read(path, &last), OK);
    EXPECT_EQ(last.session, 42);
    EXPECT_EQ(last.count, 3);
    EXPECT_EQ(last.processes[0].pid, 0);
    EXPECT_EQ(last.processes[1].pid, 1234);
    EXPECT_EQ(last.processes[1].start_ticks, 987654321);
    EXPECT_EQ(last.processes[2].pid, 0);
}

TEST(running, a_new_session_forgets_the_old_one)
{
    begin();
    struct running running;
    struct running_last last;
    struct running_process process = {.pid = 1234, .start_ticks = 5};
    EXPECT_EQ(running_open(path, 1, 2, &running), OK);
    EXPECT_EQ(running_set(&running, 0, &process), OK);
    running_close(&running);
    EXPECT_EQ(running_open(path, 2, 2, &running), OK);
    running_close(&running);
    EXPECT_EQ(running_read(path, &last), OK);
    EXPECT_EQ(last.session, 2);
    EXPECT_EQ(last.processes[0].pid, 0);
}

// Golden bytes of the format drawn in the header.
TEST(running, the_format_stays)
{
    begin();
    struct running running;
    uint8_t bytes[128];
    size_t len = 0;
    EXPECT_EQ(running_open(path, 0x0102030405060708, 1, &running), OK);
    EXPECT_EQ(running_set(&running, 0, &(struct running_process){.pid = 258, .start_ticks = 3}),
              OK);
    running_close(&running);
    EXPECT_EQ(file_read(path, bytes, sizeof bytes, &len), OK);
    static const uint8_t head[] = {'W', 'E', 'F', 'T', 'R', 'U', 'N', '1', 1, 2, 3, 4,
                                   5,   6,   7,   8,   0,   0,   0,   1,   0, 0, 0, 0};
    static const uint8_t place[] = {0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0};
    EXPECT_EQ(len, 32 + 24);
    EXPECT_MEM(bytes, head, sizeof head);
    EXPECT_MEM(bytes + 32, place, sizeof place);
}

// Without the flush of file_write(), because this is done a thousand times.
static void put(const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    EXPECT(file != NULL);
    EXPECT_EQ(fwrite(bytes, 1, len, file), len);
    EXPECT_EQ(fclose(file), 0);
}

TEST(running, damage_reads_as_nobody)
{
    begin();
    struct running running;
    struct running_process process = {.pid = 1234, .start_ticks = 5};
    EXPECT_EQ(running_open(path, 1, 2, &running), OK);
    EXPECT_EQ(running_set(&running, 0, &process), OK);
    EXPECT_EQ(running_set(&running, 1, &process), OK);
    running_close(&running);
    uint8_t bytes[256];
    size_t len = 0;
    EXPECT_EQ(file_read(path, bytes, sizeof bytes, &len), OK);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        struct running_last last;
        put(bytes, len);
        EXPECT_EQ(running_read(path, &last), OK);
        for (uint32_t i = 0; i < last.count; i++) {
            EXPECT(last.processes[i].pid == 0 || last.processes[i].pid == 1234);
            EXPECT(last.processes[i].pid == 0 || last.processes[i].start_ticks == 5);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct running_last last;
        put(bytes, cut);
        EXPECT_EQ(running_read(path, &last), OK);
        EXPECT_EQ(last.processes[1].pid, 0); // its place is the last
    }
}
