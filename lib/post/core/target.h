#pragma once

// Where a webhook may be sent: reads a URL, strictly, and judges all of it but the addresses of its
// host, which are not known before it is resolved. Pure.

#include "lib/base/bytes.h"
#include "lib/post/core/address.h"

enum { TARGET_URL_LEN_MAX = 2048, TARGET_HOST_LEN_MAX = 253, TARGET_PORTS_MAX = 16 };
enum { TARGET_ORIGIN_LEN_MAX = 2 + 1 + 4 + TARGET_HOST_LEN_MAX };

struct target {
    bool is_https;
    struct slice host; // IPv6 without its brackets; borrowed from the URL
    uint16_t port;
    struct slice path;      // with the query, borrowed; may be empty
    enum address_form form; // NAME or NUMBER
    struct address address; // of NUMBER
};

struct target_rules {
    bool allows_http;
    uint16_t ports[TARGET_PORTS_MAX];
    uint32_t port_count;
    const struct address_range *ranges; // addresses that are allowed although they are not public
    uint32_t range_count;
};

// `out_target` borrows from `url`. After an error `out_why` is half a sentence, static.
//   ERR_BAD_FIELD   not a URL that is taken: another scheme, a user name, a fragment, a byte that
//                   does not belong there, a host that looks like a number and is none
//   ERR_TOO_LARGE   longer than TARGET_URL_LEN_MAX
MUST_USE err target_read(struct slice url, struct target *out_target, const char **out_why);

// Why the rules refuse it, half a sentence; NULL when they do not. Of a host that is a name the
// address is judged later, by target_takes().
const char *target_refusal(const struct target *target, const struct target_rules *rules);

// Its host and port in one spelling, whichever the URL has: a name in lower case without a dot at its
// end, an address by its number, the port also when it was not written. At most TARGET_ORIGIN_LEN_MAX.
void target_put_origin(const struct target *target, struct bytes_out *out);

// Whether this address may be connected to.
bool target_takes(const struct target_rules *rules, const struct address *address);
bool target_takes_port(const struct target_rules *rules, uint16_t port);

// A header that an endpoint wants to be sent: a token for a name, no control bytes in its value, and
// none of those that the sender sets itself or that would change how the request is read.
bool target_takes_header(struct slice name, struct slice value);
