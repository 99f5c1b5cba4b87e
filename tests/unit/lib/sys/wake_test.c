#include "lib/sys/wake.h"
#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>

static bool is_readable(const struct wake *wake, int timeout_ms)
{
    struct pollfd item = {.fd = wake->fd, .events = POLLIN};
    return poll(&item, 1, timeout_ms) == 1;
}

TEST(wake, is_heard_once_however_often_it_rang)
{
    struct wake wake;
    EXPECT_EQ(wake_open(&wake), OK);
    EXPECT(!is_readable(&wake, 0));
    wake_clear(&wake); // nothing to clear
    wake_ring(&wake);
    wake_ring(&wake);
    EXPECT(is_readable(&wake, 0));
    wake_clear(&wake);
    EXPECT(!is_readable(&wake, 0));
    wake_ring(&wake);
    EXPECT(is_readable(&wake, 0));
    wake_close(&wake);
    EXPECT_EQ(wake.fd, -1);
}

static void *ring(void *wake)
{
    wake_ring(wake);
    return NULL;
}

TEST(wake, is_heard_from_another_thread)
{
    struct wake wake;
    pthread_t thread;
    EXPECT_EQ(wake_open(&wake), OK);
    EXPECT_EQ(pthread_create(&thread, NULL, ring, &wake), 0);
    EXPECT(is_readable(&wake, 20000));
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    wake_close(&wake);
}
