// pwrite at fixed places.

#include "worker/journal/running.h"

#include "lib/base/bytes.h"
#include "lib/base/crc.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { HEAD_LEN = 32, PLACE_LEN = 24, PLACE_BODY_LEN = 20, MAGIC_LEN = 8 };

static const char magic[] = "WEFTRUN1";

static_assert(sizeof magic == MAGIC_LEN + 1, "eight letters");

static uint32_t place_crc(const uint8_t *place, uint32_t number)
{
    uint8_t salt[4];
    struct bytes_out out = {.data = salt, .cap = sizeof salt};
    bytes_put_u32(&out, number);
    return crc_more(crc_of(slice_of(place, PLACE_BODY_LEN)), slice_of(salt, sizeof salt));
}

static void encode_head(uint64_t session, uint32_t count, uint8_t out_head[HEAD_LEN])
{
    struct bytes_out out = {.data = out_head, .cap = HEAD_LEN};
    bytes_put(&out, magic, MAGIC_LEN);
    bytes_put_u64(&out, session);
    bytes_put_u32(&out, count);
    bytes_put_u32(&out, 0);
    bytes_put_u32(&out, crc_of(slice_of(out_head, out.len)));
    bytes_put_u32(&out, 0);
    CHECK(!out.full && out.len == HEAD_LEN);
}

static void encode_place(const struct running_process *process, uint32_t number,
                         uint8_t out_place[PLACE_LEN])
{
    struct bytes_out out = {.data = out_place, .cap = PLACE_LEN};
    bytes_put_u32(&out, (uint32_t)process->pid);
    bytes_put_u32(&out, 0);
    bytes_put_u64(&out, process->start_ticks);
    bytes_put_u32(&out, 0);
    CHECK(out.len == PLACE_BODY_LEN);
    bytes_put_u32(&out, place_crc(out_place, number));
    CHECK(!out.full && out.len == PLACE_LEN);
}

static bool decode_head(struct bytes_in *in, struct running_last *last)
{
    struct slice head = slice_of(in->left.data, in->left.len < 24 ? 0 : 24);
    bool is_ours = slice_equal(bytes_get(in, MAGIC_LEN), slice_of(magic, MAGIC_LEN));
    last->session = bytes_get_u64(in);
    last->count = bytes_get_u32(in);
    (void)bytes_get_u32(in); // zero
    uint32_t crc = bytes_get_u32(in);
    (void)bytes_get_u32(in); // zero
    return !in->bad && is_ours && last->count <= RUNNING_PLACES_MAX && crc == crc_of(head);
}

static struct running_process decode_place(struct bytes_in *in, uint32_t number)
{
    const uint8_t *start = in->left.data;
    struct running_process process = {.pid = (pid_t)bytes_get_u32(in)};
    (void)bytes_get_u32(in); // zero
    process.start_ticks = bytes_get_u64(in);
    (void)bytes_get_u32(in); // zero
    uint32_t crc = bytes_get_u32(in);
    // One that was being written when the worker died, or was never written, is nobody.
    if (in->bad || crc != place_crc(start, number))
        return (struct running_process){0};
    return process;
}

err running_read(const char *path, struct running_last *out_last)
{
    uint8_t bytes[HEAD_LEN + RUNNING_PLACES_MAX * PLACE_LEN];
    size_t len = 0;
    *out_last = (struct running_last){0};
    err read = file_read(path, bytes, sizeof bytes, &len);
    if (read == ERR_NOT_FOUND || read == ERR_TOO_LARGE)
        return OK;
    if (read != OK)
        return read;
    struct bytes_in in = {.left = slice_of(bytes, len)};
    struct running_last last = {0};
    if (!decode_head(&in, &last))
        return OK;
    for (uint32_t i = 0; i < last.count; i++)
        last.processes[i] = decode_place(&in, i);
    *out_last = last;
    return OK;
}

static err write_at(int fd, const uint8_t *bytes, size_t len, off_t offset)
{
    ssize_t written = pwrite(fd, bytes, len, offset);
    return written == (ssize_t)len ? OK : ERR_DISK;
}

static err fill(int fd, uint64_t session, uint32_t place_count)
{
    uint8_t head[HEAD_LEN];
    encode_head(session, place_count, head);
    struct running running = {.fd = fd};
    err result = ftruncate(fd, 0) == 0 ? OK : ERR_DISK;
    for (uint32_t i = 0; i < place_count && result == OK; i++)
        result = running_set(&running, i, &(struct running_process){0});
    // Last, so that a file with a head has all its places.
    return result == OK ? write_at(fd, head, sizeof head, 0) : result;
}

err running_open(const char *path, uint64_t session, uint32_t place_count,
                 struct running *out_running)
{
    CHECK(place_count <= RUNNING_PLACES_MAX);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_SYSTEM;
    err filled = fill(fd, session, place_count);
    if (filled != OK) {
        int kept = errno;
        (void)close(fd);
        errno = kept;
        return filled;
    }
    *out_running = (struct running){.fd = fd};
    return OK;
}

void running_close(struct running *running)
{
    (void)close(running->fd); // what is not written is not needed
    running->fd = -1;
}

err running_set(struct running *running, uint32_t place, const struct running_process *process)
{
    CHECK(place < RUNNING_PLACES_MAX);
    uint8_t bytes[PLACE_LEN];
    encode_place(process, place, bytes);
    return write_at(running->fd, bytes, sizeof bytes, HEAD_LEN + (off_t)place * PLACE_LEN);
}
