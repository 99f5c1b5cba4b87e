// sendmsg and recvmsg with SCM_RIGHTS.

#include "worker/exec/spawner_wire.h"

#include <errno.h>
#include <sys/socket.h>

union control {
    char room[CMSG_SPACE(SPAWNER_DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
};

static void attach(struct msghdr *header, union control *control, const int *descriptors)
{
    header->msg_control = control->room;
    header->msg_controllen = sizeof control->room;
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    CHECK(part != NULL);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(SPAWNER_DESCRIPTORS * sizeof(int));
    memcpy(CMSG_DATA(part), descriptors, SPAWNER_DESCRIPTORS * sizeof(int));
}

err spawner_wire_send(int socket, const struct spawner_wire_message *message, bool wait)
{
    uint8_t copy[SPAWNER_MESSAGE_MAX]; // iovec wants to write
    CHECK(message->len > 0 && message->len <= sizeof copy);
    memcpy(copy, message->bytes, message->len);
    struct iovec part = {.iov_base = copy, .iov_len = message->len};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};
    if (message->descriptor_count > 0)
        attach(&header, &control, message->descriptors);
    ssize_t len;
    do
        len = sendmsg(socket, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (len < 0 && errno == EINTR);
    if (len >= 0)
        return OK;
    return errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS ? ERR_AGAIN : ERR_SYSTEM;
}

static void detach(struct msghdr *header, struct spawner_wire_message *message)
{
    const struct cmsghdr *part = CMSG_FIRSTHDR(header);
    if (part == NULL)
        return;
    CHECK(part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS);
    CHECK(part->cmsg_len == CMSG_LEN(SPAWNER_DESCRIPTORS * sizeof(int)));
    memcpy(message->descriptors, CMSG_DATA(part), SPAWNER_DESCRIPTORS * sizeof(int));
    message->descriptor_count = SPAWNER_DESCRIPTORS;
}

err spawner_wire_receive(int socket, struct spawner_wire_message *out_message)
{
    struct iovec part = {.iov_base = out_message->bytes, .iov_len = sizeof out_message->bytes};
    union control control = {0};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.room,
                            .msg_controllen = sizeof control.room};
    ssize_t len;
    do
        len = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EAGAIN ? ERR_AGAIN : errno == ECONNRESET ? ERR_NOT_FOUND : ERR_SYSTEM;
    if (len == 0)
        return ERR_NOT_FOUND;
    out_message->len = (size_t)len;
    out_message->descriptor_count = 0;
    detach(&header, out_message);
    return OK;
}

struct bytes_out spawner_wire_begin(struct spawner_wire_message *message,
                                    enum spawner_wire_kind kind, uint64_t number)
{
    message->len = 0;
    message->descriptor_count = 0;
    struct bytes_out out = {.data = message->bytes, .cap = sizeof message->bytes};
    bytes_put_u8(&out, (uint8_t)kind);
    bytes_put_u64(&out, number);
    return out;
}

void spawner_wire_put_report(struct spawner_wire_message *message,
                             const struct spawner_report *report)
{
    bool is_start = report->kind == SPAWNER_STARTED;
    struct bytes_out out = spawner_wire_begin(
        message, is_start ? SPAWNER_WIRE_STARTED : SPAWNER_WIRE_ENDED, report->number);
    if (is_start) {
        bytes_put_u32(&out, (uint32_t)report->pid);
        bytes_put_u64(&out, report->start_ticks);
    } else {
        bytes_put_u8(&out, report->code);
        bytes_put_u8(&out, report->signo);
        bytes_put_u8(&out, report->signalled);
        bytes_put_u8(&out, report->not_begun);
    }
    CHECK(!out.full);
    message->len = out.len;
}

void spawner_wire_get_report(const struct spawner_wire_message *message,
                             struct spawner_report *out_report)
{
    struct bytes_in in = {.left = slice_of(message->bytes, message->len)};
    uint8_t kind = bytes_get_u8(&in);
    CHECK(kind == SPAWNER_WIRE_STARTED || kind == SPAWNER_WIRE_ENDED);
    struct spawner_report report = {.number = bytes_get_u64(&in)};
    if (kind == SPAWNER_WIRE_STARTED) {
        report.kind = SPAWNER_STARTED;
        report.pid = (pid_t)bytes_get_u32(&in);
        report.start_ticks = bytes_get_u64(&in);
    } else {
        report.kind = SPAWNER_ENDED;
        report.code = bytes_get_u8(&in);
        report.signo = bytes_get_u8(&in);
        report.signalled = bytes_get_u8(&in) != 0;
        report.not_begun = bytes_get_u8(&in) != 0;
    }
    CHECK(bytes_is_whole(&in));
    *out_report = report;
}
