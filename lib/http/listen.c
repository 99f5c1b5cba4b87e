// Binding and listening.

#include "lib/http/listen.h"

#include "lib/base/slice.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

// "[::1]:80" and "127.0.0.1:80" into host and port.
static bool split(const char *endpoint, char host[LISTEN_TEXT_LEN], char port[8])
{
    const char *colon = strrchr(endpoint, ':');
    if (colon == NULL || colon == endpoint)
        return false;
    struct slice left = slice_of(endpoint, (size_t)(colon - endpoint));
    struct slice right = slice_of_text(colon + 1);
    if (left.data[0] == '[') {
        if (left.len < 3 || left.data[left.len - 1] != ']')
            return false;
        left = slice_of(left.data + 1, left.len - 2);
    }
    if (right.len == 0 || right.len > 5)
        return false;
    unsigned number = 0;
    for (size_t i = 0; i < right.len; i++) {
        if (right.data[i] < '0' || right.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(right.data[i] - '0');
    }
    return number <= 65535 && slice_to_text(left, host, LISTEN_TEXT_LEN) &&
           slice_to_text(right, port, 8);
}

static bool address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    return false;
}

static bool describe(int fd, struct listen_socket *out)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    char host[64];
    char port[8];
    const struct sockaddr *plain = (const struct sockaddr *)(const void *)&address;
    if (getsockname(fd, (struct sockaddr *)(void *)&address, &len) != 0 ||
        getnameinfo(plain, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    int size = address.ss_family == AF_INET6
                   ? snprintf(out->endpoint, sizeof out->endpoint, "[%s]:%s", host, port)
                   : snprintf(out->endpoint, sizeof out->endpoint, "%s:%s", host, port);
    out->is_loopback = address_is_loopback(plain);
    return size > 0 && size < (int)sizeof out->endpoint;
}

static err bind_to(const struct addrinfo *info, struct listen_socket *out)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ERR_SYSTEM;
    int yes = 1;
    // Without it a restarted server cannot bind while old connections linger.
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        !describe(fd, out)) {
        int cause = errno;
        (void)close(fd);
        errno = cause;
        return cause == EADDRINUSE ? ERR_ADDRESS_IN_USE : ERR_SYSTEM;
    }
    out->fd = fd;
    return OK;
}

err listen_open(const char *endpoint, struct listen_socket *out_socket)
{
    char host[LISTEN_TEXT_LEN];
    char port[8];
    if (!split(endpoint, host, port))
        return ERR_BAD_FIELD;
    bool is_name = strcmp(host, "localhost") == 0;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST,
    };
    struct addrinfo *info = NULL;
    int looked_up = getaddrinfo(is_name ? "127.0.0.1" : host, port, &hints, &info);
    if (looked_up != 0)
        return looked_up == EAI_MEMORY ? ERR_NO_MEMORY : ERR_BAD_FIELD;
    struct listen_socket found = {.fd = -1};
    err e = bind_to(info, &found);
    int cause = errno;
    freeaddrinfo(info);
    errno = cause;
    if (e == OK)
        *out_socket = found;
    return e;
}
