#pragma once

// The libcurl seam: nothing else includes <curl/curl.h>. Sends webhooks and jobs by HTTP POST, many at
// once, without waiting. What a receiver does costs bounded memory and time, and where it is, is judged
// by the numbers of the address at the moment of connecting (lib/post/core/target.h): no redirects,
// no proxies, no other protocols. Names are resolved in threads of their own, which nothing waits
// for. One thread owns a pool.
//
//     post_start(pool, …)            // any number of times
//     wait for post_fd(pool), at most post_wait_ms(pool)
//     post_turn(pool)
//     while (post_take(pool, &result)) …

#include "lib/post/core/exchange.h"
#include "lib/post/core/target.h"

struct post_pool;

enum {
    POST_HEAD_BYTES_MAX = 16 * 1024, // of all its heads; with a `word` of each
    POST_DETAIL_LEN_MAX = 256,
    POST_HEADERS_MAX = 32,
    POST_NAME_LEN_MAX = 64,
    POST_VALUE_LEN_MAX = 25 * 1024, // a worker's metadata as JSON in ASCII
};

// What a receiver says in a header named `post_options.word` before its answer: called within
// post_turn(), which may not be called in it, nor post_start() and post_drop(). The word is borrowed.
typedef void post_hear(void *ctx, uint64_t user, struct slice word);

struct post_options {
    const struct target_rules *rules; // they must stay
    const char *ca_file;              // PEM; NULL: those of the system
    const char *agent;                // User-Agent
    uint32_t count_max;               // under way at once
    uint32_t deadline_ms;  // from post_start() to the last byte of the answer; 0: the caller's
    uint32_t connect_ms;   // of it, for name, connection and TLS
    size_t body_bytes_max; // of an answer; what is behind it is not read
    bool keeps_body;       // the result has it
    const char *word;      // a header of answers, also of interim ones (1xx); NULL: none is heard
    post_hear *hear;
    void *hear_ctx;
};

//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err post_open(const struct post_options *options, struct post_pool **out_pool);
void post_close(struct post_pool *pool); // NULL is fine; what is under way is given up

struct post_header {
    struct slice name;  // a token, at most POST_NAME_LEN_MAX bytes
    struct slice value; // without control bytes, at most POST_VALUE_LEN_MAX
};

struct post_request {
    uint64_t user; // finds its result
    struct slice url;
    const char *content_type;          // of the body
    const struct post_header *headers; // copied
    uint32_t header_count;
    struct slice body; // must stay until the result, or post_drop()
};

// Begins it. A URL that the rules refuse is a result like others.
//   ERR_FULL        count_max are under way
//   ERR_NO_MEMORY   nothing has begun
MUST_USE err post_start(struct post_pool *pool, const struct post_request *request);
// Gives it up: there will be no result. False when it was not under way.
bool post_drop(struct post_pool *pool, uint64_t user);

struct post_result {
    uint64_t user;
    enum exchange_end end;
    unsigned status;
    when_ms retry_after_ms;
    uint32_t ms;   // how long it took
    uint8_t *body; // with keeps_body: to be freed; NULL: none
    size_t body_len;
    bool is_cut;                          // the answer was longer than is read
    char detail[POST_DETAIL_LEN_MAX + 1]; // for people: what went wrong, with the address
};

// A descriptor that is readable when post_turn() has something to do.
int post_fd(const struct post_pool *pool);
// The same by time alone; -1: nothing.
when_ms post_wait_ms(const struct post_pool *pool);
void post_turn(struct post_pool *pool);
// The next one that has ended.
bool post_take(struct post_pool *pool, struct post_result *out_result);
uint32_t post_count(const struct post_pool *pool);
