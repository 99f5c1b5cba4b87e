// Pipes and buffers.

#include "worker/shell/handler.h"

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { READ_LEN = 64 * 1024, OUTPUT_FIRST = 4096 };

static void close_pipe(struct handler *handler, enum handler_pipe which)
{
    if (handler->pipes[which] >= 0)
        (void)close(handler->pipes[which]); // the other end sees it, that is all
    handler->pipes[which] = -1;
}

static bool set_flags(int near, int far)
{
    return fcntl(near, F_SETFD, FD_CLOEXEC) == 0 && fcntl(far, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(near, F_SETFL, O_NONBLOCK) == 0;
}

static bool make_pipe(struct handler *handler, enum handler_pipe which, int *out_far)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    bool is_input = which == HANDLER_INPUT;
    handler->pipes[which] = ends[is_input ? 1 : 0];
    *out_far = ends[is_input ? 0 : 1];
    return set_flags(handler->pipes[which], *out_far);
}

err handler_open(struct handler *handler, uint64_t run, size_t output_max,
                 int out_far[SPAWNER_DESCRIPTORS])
{
    CHECK(run != 0 && handler->run == 0);
    *handler = (struct handler){.run = run, .pipes = {-1, -1, -1, -1}, .output_max = output_max};
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++)
        out_far[i] = -1;
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++) {
        if (make_pipe(handler, (enum handler_pipe)i, &out_far[i]))
            continue;
        int kept = errno;
        for (int j = 0; j <= i; j++) {
            if (out_far[j] >= 0)
                (void)close(out_far[j]); // nothing was written
        }
        handler_close(handler);
        errno = kept;
        return ERR_SYSTEM;
    }
    return OK;
}

void handler_close(struct handler *handler)
{
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++)
        close_pipe(handler, (enum handler_pipe)i);
    free(handler->input);
    free(handler->output);
    handler->input = handler->output = NULL;
    handler->run = 0;
}

// --- stdin ---

err handler_feed(struct handler *handler, struct slice bytes)
{
    size_t left = handler->input_len - handler->input_at;
    uint8_t *room = malloc(left + bytes.len + 1);
    if (room == NULL)
        return ERR_NO_MEMORY;
    if (left > 0)
        memcpy(room, handler->input + handler->input_at, left);
    if (bytes.len > 0)
        memcpy(room + left, bytes.data, bytes.len);
    free(handler->input);
    handler->input = room;
    handler->input_at = 0;
    handler->input_len = left + bytes.len;
    return OK;
}

void handler_end_input(struct handler *handler)
{
    handler->input_ends = true;
    if (handler->input_at == handler->input_len)
        close_pipe(handler, HANDLER_INPUT);
}

void handler_drop_input(struct handler *handler)
{
    handler->input_at = handler->input_len;
    close_pipe(handler, HANDLER_INPUT);
}

bool handler_write(struct handler *handler)
{
    while (handler->pipes[HANDLER_INPUT] >= 0 && handler->input_at < handler->input_len) {
        ssize_t len = write(handler->pipes[HANDLER_INPUT], handler->input + handler->input_at,
                            handler->input_len - handler->input_at);
        if (len < 0 && errno == EAGAIN)
            return true;
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            handler_drop_input(handler);
        else
            handler->input_at += (size_t)len;
    }
    if (handler->input_ends)
        close_pipe(handler, HANDLER_INPUT);
    return false;
}

// --- stdout ---

static bool grow_output(struct handler *handler)
{
    size_t cap = handler->output_cap == 0 ? OUTPUT_FIRST : handler->output_cap * 2;
    if (cap > handler->output_max)
        cap = handler->output_max;
    uint8_t *room = realloc(handler->output, cap);
    if (room == NULL)
        return false;
    handler->output = room;
    handler->output_cap = cap;
    return true;
}

static void keep_output(struct handler *handler, struct slice bytes)
{
    while (bytes.len > 0) {
        bool is_full = handler->output_len == handler->output_cap;
        handler->output_cut |= is_full && handler->output_cap == handler->output_max;
        if (handler->output_cut || handler->output_lost)
            return;
        if (is_full && !grow_output(handler)) {
            handler->output_lost = true; // what comes now would follow a gap
            return;
        }
        size_t room = handler->output_cap - handler->output_len;
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(handler->output + handler->output_len, bytes.data, len);
        handler->output_len += len;
        bytes = slice_of(bytes.data + len, bytes.len - len);
    }
}

struct slice handler_output(const struct handler *handler)
{
    return slice_of(handler->output, handler->output_len);
}

void handler_drop_output(struct handler *handler, size_t len)
{
    CHECK(len <= handler->output_len);
    if (len < handler->output_len)
        memmove(handler->output, handler->output + len, handler->output_len - len);
    handler->output_len -= len;
    handler->output_cut = false;
    handler->output_lost = false;
}

// --- stderr ---

static void keep_tail(struct handler *handler, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        handler->tail[handler->tail_count % sizeof handler->tail] = bytes.data[i];
        handler->tail_count++;
    }
}

struct slice handler_tail(const struct handler *handler, uint8_t room[MSG_ERROR_DETAIL_LEN_MAX])
{
    size_t cap = sizeof handler->tail;
    bool is_cut = handler->tail_count > cap;
    size_t len = is_cut ? cap : (size_t)handler->tail_count;
    uint64_t start = handler->tail_count - len;
    for (size_t i = 0; i < len; i++)
        room[i] = handler->tail[(start + i) % cap];
    // The cut may have left the end of a character.
    size_t skip = 0;
    while (is_cut && skip < 3 && (room[skip] & 0xc0) == 0x80)
        skip++;
    utf8_repair(room + skip, len - skip);
    return slice_of(room + skip, len - skip);
}

// --- descriptor 3 ---

static void compact_words(struct handler *handler)
{
    size_t left = handler->words_len - handler->words_at;
    if (left > 0 && handler->words_at > 0)
        memmove(handler->words, handler->words + handler->words_at, left);
    handler->words_len = left;
    handler->words_at = 0;
    if (left == sizeof handler->words) {
        handler->words_len = 0;
        handler->words_skips = true;
    }
}

bool handler_next_word(struct handler *handler, struct slice *out_line)
{
    while (handler->words_at < handler->words_len) {
        uint8_t *start = handler->words + handler->words_at;
        uint8_t *end = memchr(start, '\n', handler->words_len - handler->words_at);
        if (end == NULL)
            return false;
        handler->words_at += (size_t)(end - start) + 1;
        bool skips = handler->words_skips;
        handler->words_skips = false;
        if (skips)
            continue;
        *out_line = slice_of(start, (size_t)(end - start));
        return true;
    }
    return false;
}

// --- reading ---

static void keep(struct handler *handler, enum handler_pipe which, struct slice bytes)
{
    switch (which) {
    case HANDLER_OUTPUT: keep_output(handler, bytes); return;
    case HANDLER_ERRORS:
        keep_tail(handler, bytes);
        if (handler->log != NULL)
            joblog_put(handler->log, clock_wall_ms(), bytes);
        return;
    case HANDLER_WORDS:
        memcpy(handler->words + handler->words_len, bytes.data, bytes.len);
        handler->words_len += bytes.len;
        return;
    case HANDLER_INPUT: break;
    }
    UNREACHABLE();
}

enum handler_more handler_read(struct handler *handler, enum handler_pipe which)
{
    static uint8_t room[READ_LEN];
    size_t cap = sizeof room;
    if (which == HANDLER_WORDS) {
        compact_words(handler);
        cap = sizeof handler->words - handler->words_len;
    }
    if (handler->pipes[which] < 0)
        return HANDLER_OVER;
    ssize_t len = read(handler->pipes[which], room, cap);
    if (len < 0 && errno == EINTR)
        return HANDLER_MORE;
    if (len < 0 && errno == EAGAIN)
        return HANDLER_LATER;
    if (len <= 0) {
        close_pipe(handler, which);
        return HANDLER_OVER;
    }
    keep(handler, which, slice_of(room, (size_t)len));
    return HANDLER_MORE;
}
