// /proc/self/fd names the descriptors, TCP_INFO has their counts. A descriptor that was closed and
// opened again between two looks begins anew, because its count is smaller.

#include "lib/link/link_guard.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    LOOK_MS = 1000,
    SUSPECT_LOOK_MS = 20,
    LOOK_SHARE = 100, // at most one part in so many of the processor is spent looking
    DESCRIPTORS_MAX = 1 << 20,
};
#define SUSPECT_BYTES ((uint64_t)1 << 20) // since the last look

struct sent {
    uint64_t total; // as of the last look
    uint64_t base;  // when a message was last seen to arrive
    bool is_suspect;
    bool is_heard; // since the last look
};

struct link_guard {
    struct link_guard_options options;
    struct sent *sent; // by descriptor
    uint32_t cap;
    int *suspects; // descriptors; as of the last look
    in_port_t ports[LINK_GUARD_DOORS_MAX];
    uint32_t port_count;
    uint32_t suspect_count;
    when_ms look_at;
    when_ms look_at_all_at;
};

struct link_guard *link_guard_new(const struct link_guard_options *options)
{
    struct rlimit limit = {.rlim_cur = 1024};
    struct link_guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        return NULL;
    (void)getrlimit(RLIMIT_NOFILE, &limit); // else the usual
    guard->options = *options;
    guard->cap = limit.rlim_cur < DESCRIPTORS_MAX ? (uint32_t)limit.rlim_cur : DESCRIPTORS_MAX;
    // Touched as descriptors are used.
    guard->sent = calloc(guard->cap, sizeof *guard->sent);
    guard->suspects = calloc(guard->cap, sizeof *guard->suspects);
    if (guard->sent != NULL && guard->suspects != NULL)
        return guard;
    link_guard_free(guard);
    return NULL;
}

void link_guard_free(struct link_guard *guard)
{
    if (guard == NULL)
        return;
    free(guard->sent);
    free(guard->suspects);
    free(guard);
}

void link_guard_add(struct link_guard *guard, const struct link *door)
{
    char endpoint[256];
    if (link_endpoint(door, endpoint, sizeof endpoint) != OK || strncmp(endpoint, "tcp://", 6) != 0)
        return;
    CHECK(guard->port_count < LINK_GUARD_DOORS_MAX);
    unsigned long port = strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    guard->ports[guard->port_count++] = htons((uint16_t)port);
}

void link_guard_heard(struct link_guard *guard, const struct link_message *message)
{
    if (guard->suspect_count == 0)
        return;
    int connection = link_connection(message);
    if (connection >= 0 && (uint32_t)connection < guard->cap)
        guard->sent[connection].is_heard = true;
}

// 0: of no network.
static in_port_t port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_port;
    return address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port : 0;
}

static bool is_of_a_door(const struct link_guard *guard, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return false;
    in_port_t port = port_of(&address);
    for (uint32_t i = 0; i < guard->port_count; i++) {
        if (port == guard->ports[i] && port != 0)
            return true;
    }
    return false;
}

// What the connection has sent so far. False: it is none of ours.
static bool sent_by(const struct link_guard *guard, int fd, uint64_t *out_bytes)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (!is_of_a_door(guard, fd) || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    *out_bytes = info.tcpi_bytes_received;
    return true;
}

// True when it was cut.
static bool judge(struct link_guard *guard, int fd)
{
    struct sent *sent = &guard->sent[fd];
    uint64_t total = 0;
    if (!sent_by(guard, fd, &total)) {
        *sent = (struct sent){0};
        return false;
    }
    if (total < sent->total)
        *sent = (struct sent){0};
    // One that was not suspected has not been listened for, so it begins to be only now.
    bool is_new_suspect = !sent->is_suspect && total - sent->total >= SUSPECT_BYTES;
    if (sent->is_heard || !sent->is_suspect)
        sent->base = total;
    sent->is_suspect =
        is_new_suspect || (sent->is_suspect && (!sent->is_heard || total > sent->total));
    sent->is_heard = false;
    sent->total = total;
    if (sent->is_suspect)
        guard->suspects[guard->suspect_count++] = fd;
    if (total - sent->base < guard->options.unended_bytes_max)
        return false;
    link_cut(fd);
    *sent = (struct sent){.total = total, .base = total};
    return true;
}

// The next descriptor of this process, or -1.
static int next_descriptor(DIR *descriptors)
{
    struct dirent *entry = descriptors != NULL ? readdir(descriptors) : NULL;
    while (entry != NULL && entry->d_name[0] == '.')
        entry = readdir(descriptors);
    return entry != NULL ? (int)strtoul(entry->d_name, NULL, 10) : -1;
}

static bool is_connection_of(int fd, const char *endpoint)
{
    static const char ipc[] = "ipc://";
    struct sockaddr_storage own = {0};
    struct sockaddr_storage other;
    socklen_t len = sizeof own;
    socklen_t other_len = sizeof other;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
        getpeername(fd, (struct sockaddr *)&other, &other_len) != 0)
        return false; // it listens
    if (own.ss_family != AF_UNIX)
        return port_of(&own) != 0 && strncmp(endpoint, "tcp://", 6) == 0 &&
               ntohs(port_of(&own)) == strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    char *path = ((struct sockaddr_un *)&own)->sun_path;
    if (path[0] == '\0' && path[1] != '\0')
        path[0] = '@'; // an abstract name, as libzmq writes it
    return strncmp(endpoint, ipc, sizeof ipc - 1) == 0 &&
           strcmp(endpoint + sizeof ipc - 1, path) == 0;
}

uint32_t link_guard_cut_all(const struct link *door)
{
    char endpoint[256];
    uint32_t count = 0;
    if (link_endpoint(door, endpoint, sizeof endpoint) != OK)
        return 0;
    DIR *descriptors = opendir("/proc/self/fd");
    for (int fd = next_descriptor(descriptors); fd >= 0; fd = next_descriptor(descriptors)) {
        if (!is_connection_of(fd, endpoint))
            continue;
        link_cut(fd);
        count++;
    }
    if (descriptors != NULL)
        (void)closedir(descriptors); // was only read
    return count;
}

// Whoever is no suspect is looked at here alone: one that takes its time, too, has sent much in so long.
static uint32_t look_at_all(struct link_guard *guard)
{
    uint32_t cut_count = 0;
    DIR *descriptors = opendir("/proc/self/fd");
    guard->suspect_count = 0;
    for (int fd = next_descriptor(descriptors); fd >= 0; fd = next_descriptor(descriptors)) {
        if ((uint32_t)fd < guard->cap && judge(guard, fd))
            cut_count++;
    }
    if (descriptors != NULL)
        (void)closedir(descriptors); // was only read
    return cut_count;
}

// Their list becomes that of those who still are.
static uint32_t look_at_suspects(struct link_guard *guard)
{
    uint32_t cut_count = 0;
    uint32_t count = guard->suspect_count;
    guard->suspect_count = 0;
    for (uint32_t i = 0; i < count; i++)
        cut_count += judge(guard, guard->suspects[i]);
    return cut_count;
}

static when_ms after(when_ms now, int64_t spent_us, when_ms pause)
{
    when_ms share = spent_us * LOOK_SHARE / 1000;
    return now + (share > pause ? share : pause);
}

uint32_t link_guard_look(struct link_guard *guard, when_ms now)
{
    bool is_of_all = now >= guard->look_at_all_at;
    int64_t begun = clock_cpu_us(); // waiting for the processor makes nobody blind for longer
    uint32_t cut_count = is_of_all ? look_at_all(guard) : look_at_suspects(guard);
    int64_t spent_us = clock_cpu_us() - begun;
    if (is_of_all)
        guard->look_at_all_at = after(now, spent_us, LOOK_MS);
    guard->look_at = guard->look_at_all_at;
    if (guard->suspect_count > 0)
        guard->look_at = when_min(guard->look_at, after(now, spent_us, SUSPECT_LOOK_MS));
    return cut_count;
}

when_ms link_guard_at(const struct link_guard *guard)
{
    return guard->look_at;
}
