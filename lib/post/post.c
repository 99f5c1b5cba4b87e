// libcurl's multi interface, driven by epoll.

#include "lib/post/post.h"

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/base/word.h"
#include "lib/sys/clock.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, MAX_AGE_S = 55, NAMES_KEPT_S = 30, BUFFER_LEN = 4096, BODY_FIRST = 4096 };

// One under way. Kept for the next one when it has ended, with its libcurl handle.
struct post {
    struct post_pool *pool;
    CURL *easy;
    struct curl_slist *headers;
    bool is_used;
    bool is_ended;          // `result` waits to be taken
    bool was_allowed;       // some address of the host was …
    struct address refused; // … or the last one that was not
    bool was_refused;
    bool has_head; // the last head that began has ended
    size_t head_len;
    size_t body_len; // so far; what is kept of it is in the result
    size_t body_cap;
    when_ms began_at;
    struct post_result result;
    char why[CURL_ERROR_SIZE];
};

struct post_pool {
    struct post_options options;
    CURLM *multi;
    int epoll;
    when_ms due_at; // libcurl wants to be called, or WHEN_NEVER
    uint32_t count;
    uint32_t ended_count;
    uint32_t touched;
    struct post *posts; // count_max places
    char line[POST_NAME_LEN_MAX + POST_VALUE_LEN_MAX + 3];
};

// --- where to ---

static bool read_sockaddr(const struct curl_sockaddr *from, struct address *out, uint16_t *out_port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    *out = (struct address){0};
    if (from->family == AF_INET && from->addrlen >= sizeof v4) {
        memcpy(&v4, &from->addr, sizeof v4);
        memcpy(out->bytes, &v4.sin_addr, sizeof v4.sin_addr);
        *out_port = ntohs(v4.sin_port);
        return true;
    }
    if (from->family == AF_INET6 && from->addrlen >= sizeof v6) {
        memcpy(&v6, (const void *)&from->addr, sizeof v6);
        memcpy(out->bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
        out->is_v6 = true;
        *out_port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

// The last gate, behind the resolver: no socket, no packet.
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct post *post = ctx;
    const struct target_rules *rules = post->pool->options.rules;
    struct address address;
    uint16_t port = 0;
    if (purpose != CURLSOCKTYPE_IPCXN || to->socktype != SOCK_STREAM ||
        !read_sockaddr(to, &address, &port))
        return CURL_SOCKET_BAD;
    if (!target_takes(rules, &address) || !target_takes_port(rules, port)) {
        post->was_refused = true;
        post->refused = address;
        return CURL_SOCKET_BAD;
    }
    post->was_allowed = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// --- what comes back ---

static bool is_header(struct slice line, const char *name, struct slice *out_value)
{
    const uint8_t *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    if (colon == NULL)
        return false;
    size_t len = (size_t)(colon - line.data);
    *out_value = slice_of(colon + 1, line.len - len - 1);
    return word_is(slice_of(line.data, len), name);
}

static struct slice without_end(struct slice line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n'))
        line.len--;
    return line;
}

static struct slice without_blanks(struct slice text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_of(text.data + 1, text.len - 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

// libcurl takes a connection that ends within a head for the end of that head.
// Whoever may say words may say them for as long as the caller lets him, in heads of their own.
static void follow_head(struct post *post, struct slice line)
{
    static const char first[] = "HTTP/";
    bool begins = line.len >= sizeof first - 1 && memcmp(line.data, first, sizeof first - 1) == 0;
    if (begins && post->pool->options.word != NULL)
        post->head_len = 0;
    if (begins || line.len == 0)
        post->has_head = line.len == 0;
}

static size_t on_head(char *data, size_t size, size_t count, void *ctx)
{
    struct post *post = ctx;
    const struct post_options *options = &post->pool->options;
    size_t len = size * count;
    struct slice line = without_end(slice_of(data, len));
    struct slice value;
    follow_head(post, line);
    post->head_len += len;
    if (post->head_len > POST_HEAD_BYTES_MAX)
        return 0;
    if (is_header(line, "retry-after", &value))
        post->result.retry_after_ms = exchange_retry_after_ms(value, clock_wall_ms());
    else if (options->word != NULL && is_header(line, options->word, &value))
        options->hear(options->hear_ctx, post->result.user, without_blanks(value));
    return len;
}

static bool keep(struct post *post, struct slice bytes)
{
    struct post_result *result = &post->result;
    size_t cap = post->body_cap > 0 ? post->body_cap : BODY_FIRST;
    while (cap < result->body_len + bytes.len)
        cap *= 2;
    if (cap > post->body_cap) {
        uint8_t *room = realloc(result->body, cap);
        if (room == NULL)
            return false;
        result->body = room;
        post->body_cap = cap;
    }
    memcpy(result->body + result->body_len, bytes.data, bytes.len);
    result->body_len += bytes.len;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct post *post = ctx;
    const struct post_options *options = &post->pool->options;
    size_t len = size * count;
    size_t left = options->body_bytes_max - post->body_len;
    size_t taken = len < left ? len : left;
    post->body_len += taken;
    if (options->keeps_body && taken > 0 && !keep(post, slice_of(data, taken)))
        return 0; // as if the connection had broken
    post->result.is_cut = taken < len;
    return taken == len ? len : 0; // 0 tells libcurl to stop
}

static enum exchange_end end_of(const struct post *post, CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK: return post->has_head ? EXCHANGE_ANSWERED : EXCHANGE_BROKEN;
    case CURLE_WRITE_ERROR: return post->result.is_cut ? EXCHANGE_ANSWERED : EXCHANGE_BROKEN;
    case CURLE_URL_MALFORMAT: return EXCHANGE_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST: return EXCHANGE_NO_HOST;
    case CURLE_COULDNT_CONNECT:
        return post->was_refused && !post->was_allowed ? EXCHANGE_FORBIDDEN : EXCHANGE_NO_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: return EXCHANGE_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return EXCHANGE_TLS;
    default: return EXCHANGE_BROKEN;
    }
}

static void put_detail(struct post *post, CURLcode code)
{
    struct post_result *result = &post->result;
    char text[ADDRESS_TEXT_LEN + 1];
    const char *said = post->why[0] != '\0' ? post->why : curl_easy_strerror(code);
    if (result->end == EXCHANGE_FORBIDDEN) {
        address_text(&post->refused, text);
        (void)snprintf(
            result->detail, sizeof result->detail,
            "%s is %s; --allow-address (WEFT_ALLOW_ADDRESS) of weft notify permits its range", text,
            address_kind_text(address_kind(&post->refused)));
    } else if (result->end == EXCHANGE_ANSWERED) {
        (void)snprintf(result->detail, sizeof result->detail, "HTTP status %u", result->status);
    } else {
        (void)snprintf(result->detail, sizeof result->detail, "%s", said);
    }
    utf8_repair((uint8_t *)result->detail, strlen(result->detail));
}

static void finish(struct post *post, enum exchange_end end)
{
    post->result.end = end;
    post->result.ms = (uint32_t)(clock_mono_ms() - post->began_at);
    post->is_ended = true;
    post->pool->ended_count++;
    curl_slist_free_all(post->headers);
    post->headers = NULL;
}

static void take_done(struct post_pool *pool)
{
    int left = 0;
    for (CURLMsg *done = curl_multi_info_read(pool->multi, &left); done != NULL;
         done = curl_multi_info_read(pool->multi, &left)) {
        struct post *post = NULL;
        long status = 0;
        CURLcode code = done->data.result;
        CURL *easy = done->easy_handle;
        if (done->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&post);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        CHECK(post != NULL && post->easy == easy);
        (void)curl_multi_remove_handle(pool->multi, easy);
        finish(post, end_of(post, code));
        post->result.status = post->result.end == EXCHANGE_ANSWERED ? (unsigned)status : 0;
        put_detail(post, code);
    }
}

// --- libcurl's wishes ---

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct post_pool *pool = ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(pool->epoll, EPOLL_CTL_DEL, fd, NULL); // it may be closed already
        return 0;
    }
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        event.events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        event.events |= EPOLLOUT;
    (void)curl_multi_assign(pool->multi, fd, pool); // any mark that it is known
    int op = known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    return epoll_ctl(pool->epoll, op, fd, &event) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    struct post_pool *pool = ctx;
    (void)multi;
    pool->due_at = ms < 0 ? WHEN_NEVER : when_after(clock_mono_ms(), ms);
    return 0;
}

// --- beginning ---

// What is the same for every request of this pool. It is set once for each handle: libcurl refuses some of
// it of one that still has a buffer, as after a name that was not found.
static bool set_manners(CURL *easy, const struct post_options *options)
{
    const char *protocols = options->rules->allows_http ? "http,https" : "https";
    bool is_set =
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->deadline_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_KEPT_S) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)MAX_AGE_S) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_LEN) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK && // a resolver may hang
        curl_easy_setopt(easy, CURLOPT_USERAGENT, options->agent) == CURLE_OK;
    if (is_set && options->ca_file != NULL)
        is_set = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    return is_set;
}

static bool set_ears(struct post *post)
{
    CURL *easy = post->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, post) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->why) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, post) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, post) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK;
}

static bool add_line(struct post *post, const char *line)
{
    struct curl_slist *longer = curl_slist_append(post->headers, line);
    if (longer != NULL)
        post->headers = longer;
    return longer != NULL;
}

static bool add_header(struct post *post, const struct post_header *header)
{
    char *line = post->pool->line;
    size_t cap = sizeof post->pool->line;
    const char *name = (const char *)header->name.data;
    const char *value = (const char *)header->value.data;
    // libcurl's way of writing a header without a value is a semicolon.
    int len = header->value.len > 0 ? snprintf(line, cap, "%.*s: %.*s", (int)header->name.len, name,
                                               (int)header->value.len, value)
                                    : snprintf(line, cap, "%.*s;", (int)header->name.len, name);
    CHECK(len > 0 && (size_t)len < cap);
    return add_line(post, line);
}

static bool set_request(struct post *post, const struct post_request *request)
{
    char url[TARGET_URL_LEN_MAX + 1];
    CURL *easy = post->easy;
    bool is_set = slice_to_text(request->url, url, sizeof url) && add_line(post, "Expect:") &&
                  add_header(post, &(struct post_header){slice_of_text("Content-Type"),
                                                         slice_of_text(request->content_type)});
    for (uint32_t i = 0; is_set && i < request->header_count; i++)
        is_set = add_header(post, &request->headers[i]);
    return is_set && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                            request->body.len > 0 ? (const char *)request->body.data : "") ==
               CURLE_OK && // NULL would read stdin
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK;
}

// A place keeps its handle, so that this is done once for each.
static bool has_handle(struct post *post)
{
    if (post->easy != NULL)
        return true;
    post->easy = curl_easy_init();
    if (post->easy != NULL && set_manners(post->easy, &post->pool->options) && set_ears(post))
        return true;
    curl_easy_cleanup(post->easy);
    post->easy = NULL;
    return false;
}

static struct post *take_place(struct post_pool *pool)
{
    struct post *place = NULL;
    for (uint32_t i = 0; place == NULL && i < pool->touched; i++) {
        if (!pool->posts[i].is_used)
            place = &pool->posts[i];
    }
    if (place == NULL && pool->touched < pool->options.count_max)
        place = &pool->posts[pool->touched++];
    return place;
}

static void release(struct post *post)
{
    curl_slist_free_all(post->headers);
    free(post->result.body);
    struct post_pool *pool = post->pool;
    if (post->is_ended)
        pool->ended_count--;
    pool->count--;
    *post = (struct post){.easy = post->easy};
}

// What the rules refuse before anybody is asked for an address.
static const char *refusal(const struct post_pool *pool, struct slice url)
{
    struct target target;
    const char *why = NULL;
    if (target_read(url, &target, &why) != OK)
        return why;
    return target_refusal(&target, pool->options.rules);
}

err post_start(struct post_pool *pool, const struct post_request *request)
{
    CHECK(request->header_count <= POST_HEADERS_MAX);
    struct post *post = take_place(pool);
    if (post == NULL)
        return ERR_FULL;
    *post = (struct post){.pool = pool,
                          .easy = post->easy,
                          .is_used = true,
                          .began_at = clock_mono_ms(),
                          .result = {.user = request->user}};
    pool->count++;
    const char *why = refusal(pool, request->url);
    if (why != NULL) {
        (void)snprintf(post->result.detail, sizeof post->result.detail, "%s", why);
        finish(post, EXCHANGE_BAD_URL);
        return OK;
    }
    if (has_handle(post) && set_request(post, request) &&
        curl_multi_add_handle(pool->multi, post->easy) == CURLM_OK)
        return OK;
    release(post);
    return ERR_NO_MEMORY;
}

bool post_drop(struct post_pool *pool, uint64_t user)
{
    for (uint32_t i = 0; i < pool->touched; i++) {
        struct post *post = &pool->posts[i];
        if (!post->is_used || post->result.user != user)
            continue;
        if (!post->is_ended)
            (void)curl_multi_remove_handle(pool->multi, post->easy);
        release(post);
        return true;
    }
    return false;
}

// --- the pool ---

static bool open_multi(struct post_pool *pool)
{
    pool->multi = curl_multi_init();
    return pool->multi != NULL &&
           curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_watch) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)pool->options.count_max) ==
               CURLM_OK;
}

err post_open(const struct post_options *options, struct post_pool **out_pool)
{
    CHECK(options->count_max > 0 && options->body_bytes_max > 0);
    struct post_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return ERR_NO_MEMORY;
    *pool = (struct post_pool){.options = *options, .epoll = -1, .due_at = WHEN_NEVER};
    err result = ERR_NO_MEMORY;
    pool->posts = calloc(options->count_max, sizeof *pool->posts);
    if (pool->posts == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto done;
    result = ERR_SYSTEM;
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (pool->epoll >= 0 && open_multi(pool)) {
        *out_pool = pool;
        return OK;
    }
done:
    post_close(pool);
    return result;
}

void post_close(struct post_pool *pool)
{
    if (pool == NULL)
        return;
    for (uint32_t i = 0; i < pool->touched; i++) {
        struct post *post = &pool->posts[i];
        if (post->is_used && !post->is_ended)
            (void)curl_multi_remove_handle(pool->multi, post->easy);
        curl_slist_free_all(post->headers);
        free(post->result.body);
        curl_easy_cleanup(post->easy);
    }
    (void)curl_multi_cleanup(pool->multi);
    if (pool->epoll >= 0)
        (void)close(pool->epoll);
    free(pool->posts);
    free(pool);
}

int post_fd(const struct post_pool *pool)
{
    return pool->epoll;
}

when_ms post_wait_ms(const struct post_pool *pool)
{
    if (pool->ended_count > 0)
        return 0;
    if (pool->due_at == WHEN_NEVER)
        return -1;
    when_ms now = clock_mono_ms();
    return pool->due_at > now ? pool->due_at - now : 0;
}

void post_turn(struct post_pool *pool)
{
    struct epoll_event events[EVENTS_MAX];
    int running = 0;
    int count = epoll_wait(pool->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        int what = ((events[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                   ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                   ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(pool->multi, events[i].data.fd, what, &running);
    }
    if (pool->due_at <= clock_mono_ms()) {
        pool->due_at = WHEN_NEVER;
        (void)curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    take_done(pool);
}

bool post_take(struct post_pool *pool, struct post_result *out_result)
{
    for (uint32_t i = 0; pool->ended_count > 0 && i < pool->touched; i++) {
        struct post *post = &pool->posts[i];
        if (!post->is_ended)
            continue;
        *out_result = post->result;
        post->result.body = NULL; // the caller's now
        release(post);
        return true;
    }
    return false;
}

uint32_t post_count(const struct post_pool *pool)
{
    return pool->count;
}
