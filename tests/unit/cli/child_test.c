#include "cli/child.h"

#include "tests/support/test.h"

#include <signal.h>
#include <sys/wait.h>

// As waitpid() tells it.
static int exited(int code)
{
    return code << 8;
}

static struct child running(void)
{
    static char *const no_words[] = {NULL};
    struct child child = child_of("test", no_words, "/nowhere");
    child.pid = 1;
    return child;
}

// A life of `life_ms` that ends at `now`. How long the next start waits.
static when_ms pause_after(struct child *child, when_ms now, when_ms life_ms, int status)
{
    child->pid = 1;
    child->started_at = now - life_ms;
    child_died(child, now, status);
    EXPECT_EQ(child->pid, 0);
    return child->start_at - now;
}

TEST(child, killed_is_started_at_once_however_often)
{
    struct child child = running();
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(pause_after(&child, 100 * i, 50, SIGKILL), 0);
}

TEST(child, quick_deaths_make_it_wait)
{
    struct child child = running();
    static const when_ms pauses[] = {
        0, 0, 100, 200, 400, 800, 1600, CHILD_PAUSE_LONGEST_MS, CHILD_PAUSE_LONGEST_MS};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        EXPECT_EQ(pause_after(&child, 10000 * (when_ms)i, CHILD_QUICK_MS - 1, exited(1)),
                  pauses[i]);
    EXPECT_EQ(pause_after(&child, 200000, CHILD_QUICK_MS, exited(1)), 0);
    EXPECT_EQ(pause_after(&child, 200000, 5, SIGABRT), 0);
}

TEST(child, death_is_told_in_words)
{
    struct child child = running();
    child_died(&child, 0, SIGKILL);
    EXPECT_STR(child_death(&child), "was killed by signal 9");
    child.pid = 1;
    child_died(&child, 0, exited(64));
    EXPECT_STR(child_death(&child), "ended with code 64");
}
