// Directories that change.

#include "lib/sys/dirwatch.h"
#include "lib/sys/file.h"
#include "tests/support/test.h"

#include <poll.h>
#include <unistd.h>

static bool is_rung(const struct dirwatch *watch)
{
    struct pollfd item = {.fd = watch->fd, .events = POLLIN};
    return poll(&item, 1, 0) == 1;
}

TEST(dirwatch, tells_of_new_replaced_and_removed_files)
{
    struct dirwatch watch;
    const char *dir = test_temp_dir();
    char path[512];
    (void)snprintf(path, sizeof path, "%s/file", dir);
    EXPECT_EQ(dirwatch_open(&watch), OK);
    EXPECT_EQ(dirwatch_add(&watch, dir), OK);
    EXPECT(!dirwatch_take(&watch));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(file_write(path, slice_of_text("x")), OK);
        EXPECT(is_rung(&watch));
        EXPECT(dirwatch_take(&watch));
        EXPECT(!is_rung(&watch));
        EXPECT(!dirwatch_take(&watch));
    }
    EXPECT_EQ(unlink(path), 0);
    EXPECT(dirwatch_take(&watch));
    EXPECT_EQ(dirwatch_add(&watch, path), ERR_NOT_FOUND);
    dirwatch_close(&watch);
}
