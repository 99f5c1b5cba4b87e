// A message for which there is no memory is not sent in part.
// links: PkgConfig::libzmq

#include "lib/link/link.h"
#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <zmq.h>

enum { PATIENCE_MS = 20000, BYTES_MAX = 1 << 20 };

static uint32_t frames_until_none; // 0: there is memory for each

// Stands before the library's.
int zmq_msg_init_size(zmq_msg_t *message, size_t len)
{
    errno = ENOMEM;
    if (frames_until_none > 0 && --frames_until_none == 0)
        return -1;
    return ((__typeof__(&zmq_msg_init_size))(uintptr_t)dlsym(RTLD_NEXT, "zmq_msg_init_size"))(
        message, len);
}

static struct link *open_link(struct link_context *context, enum link_kind kind,
                              const char *endpoint)
{
    struct link *link = NULL;
    const struct link_options options = {.kind = kind,
                                         .endpoint = endpoint,
                                         .bind = kind == LINK_ROUTER,
                                         .message_bytes_max = BYTES_MAX};
    EXPECT_EQ(link_open(context, &options, &link), OK);
    return link;
}

static void wait_for(struct link *link)
{
    struct link_wait item = {.link = link};
    EXPECT_EQ(link_wait(&item, 1, PATIENCE_MS), OK);
    EXPECT(item.is_ready);
}

static err say(struct link *dealer, const char *envelope)
{
    return link_send(dealer, slice_of(NULL, 0), slice_of_text(envelope), slice_of_text("block"));
}

// A part of it would be another message, or would take the next one, which is somebody else's, with it.
TEST(link_memory, nothing_is_sent_of_a_message_without_memory)
{
    struct link_context *context = NULL;
    char endpoint[64];
    EXPECT_EQ(link_context_open(&context), OK);
    struct link *router = open_link(context, LINK_ROUTER, "tcp://127.0.0.1:0");
    EXPECT_EQ(link_endpoint(router, endpoint, sizeof endpoint), OK);
    struct link *dealer = open_link(context, LINK_DEALER, endpoint);
    while (link_connection_count(dealer) == 0)
        wait_for(dealer);
    for (uint32_t frame = 1; frame <= 3; frame++) {
        struct link_message message;
        frames_until_none = frame;
        EXPECT_EQ(say(dealer, "lost"), ERR_NO_MEMORY);
        frames_until_none = 0;
        EXPECT_EQ(say(dealer, "whole"), OK);
        err received = ERR_AGAIN;
        while (received == ERR_AGAIN) {
            wait_for(router);
            received = link_receive(router, &message);
        }
        EXPECT_EQ(received, OK);
        EXPECT(slice_is_text(message.envelope, "whole"));
        EXPECT(slice_is_text(message.block, "block"));
        link_release(&message);
    }
    link_close(dealer);
    link_close(router);
    link_context_close(context);
}
