// Requests and answers are small messages of frames, copied in and out.

#include "lib/link/zap.h"

#include "lib/base/check.h"

#include <errno.h>
#include <stdatomic.h>
#include <zmq.h>

#include "lib/link/link_private.h"

enum { KEY_BYTES = 32, FRAMES_IN = 7, FRAME_LEN_MAX = 256 };
enum { VERSION, ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY };

struct frame {
    uint8_t bytes[FRAME_LEN_MAX];
    size_t len; // as told; what is longer than the room was cut
};

err zap_open(struct link_context *context, struct link **out_zap)
{
    struct link *zap = link_private_new(context, ZMQ_REP);
    if (zap == NULL)
        return link_private_err(errno);
    if (zmq_bind(zap->socket, "inproc://zeromq.zap.01") != 0) {
        err e = link_private_err(errno);
        link_close(zap);
        return e;
    }
    *out_zap = zap;
    return OK;
}

// The number of frames, of which the first FRAMES_IN are kept; 0: nothing is waiting.
static uint32_t take_frames(struct link *zap, struct frame frames[FRAMES_IN])
{
    struct frame more_than_wanted;
    uint32_t count = 0;
    int more = 1;
    while (more != 0) {
        struct frame *frame = count < FRAMES_IN ? &frames[count] : &more_than_wanted;
        int len = zmq_recv(zap->socket, frame->bytes, sizeof frame->bytes, ZMQ_DONTWAIT);
        size_t room = sizeof more;
        if (len < 0)
            return 0;
        frame->len = (size_t)len;
        count++;
        if (zmq_getsockopt(zap->socket, ZMQ_RCVMORE, &more, &room) != 0)
            return 0;
    }
    return count;
}

static bool take_text(const struct frame *frame, char *out, size_t cap)
{
    return frame->len < cap && slice_to_text(slice_of(frame->bytes, frame->len), out, cap);
}

static bool read_request(const struct frame frames[FRAMES_IN], struct zap_request *out)
{
    if (frames[ID].len > ZAP_ID_LEN_MAX)
        return false;
    memcpy(out->id, frames[ID].bytes, frames[ID].len);
    out->id_len = frames[ID].len;
    bool is_curve =
        slice_is_text(slice_of(frames[MECHANISM].bytes,
                               frames[MECHANISM].len < FRAME_LEN_MAX ? frames[MECHANISM].len : 0),
                      "CURVE") &&
        frames[KEY].len == KEY_BYTES;
    return is_curve && take_text(&frames[DOMAIN], out->domain, sizeof out->domain) &&
           take_text(&frames[ADDRESS], out->address, sizeof out->address) &&
           zmq_z85_encode(out->key, frames[KEY].bytes, KEY_BYTES) != NULL;
}

static void put(struct link *zap, const void *bytes, size_t len, int more)
{
    // The asker waits within this process; it may have gone meanwhile, with its connection.
    (void)zmq_send(zap->socket, bytes, len, ZMQ_DONTWAIT | more);
}

void zap_answer(struct link *zap, const struct zap_request *request, bool is_allowed)
{
    put(zap, "1.0", 3, ZMQ_SNDMORE);
    put(zap, request->id, request->id_len, ZMQ_SNDMORE);
    put(zap, is_allowed ? "200" : "400", 3, ZMQ_SNDMORE);
    put(zap, is_allowed ? "OK" : "no key", is_allowed ? 2 : 6, ZMQ_SNDMORE);
    put(zap, request->key, is_allowed ? LINK_KEY_LEN : 0, ZMQ_SNDMORE);
    put(zap, "", 0, 0);
}

err zap_take(struct link *zap, struct zap_request *out_request)
{
    struct frame frames[FRAMES_IN];
    for (;;) {
        struct zap_request request = {0};
        uint32_t count = take_frames(zap, frames);
        if (count == 0)
            return ERR_AGAIN;
        if (count == FRAMES_IN && read_request(frames, &request)) {
            *out_request = request;
            return OK;
        }
        zap_answer(zap, &request, false);
    }
}
