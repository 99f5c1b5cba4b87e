#pragma once

// What a token is: a random secret that its owner keeps, and what the gateway keeps of it. The
// secret is never stored, only its hash; random bits of that length need no salt. Pure.
//
// A line of the list (token_file.h), fields parted by one space, the checksum over all before it:
//
//   token HASH TENANT NAME SCOPES CREATED EXPIRES CRC
//         64 hex                  ms since 1970   8 hex
//                                 or "-": never
//   quota TENANT REQUESTS BYTES CRC
//   quota TENANT REQUESTS BYTES OPEN CRC
//                a minute; "-": no quota

#include "lib/base/bytes.h"
#include "lib/base/scope.h"
#include "lib/base/when.h"

enum {
    TOKEN_SECRET_LEN = 32,
    TOKEN_HASH_LEN = 32,
    TOKEN_TEXT_LEN = 48,    // "weft_" and the secret in base64url
    TOKEN_BEARER_MAX = 256, // of what is looked at as a token
    TOKEN_NAME_LEN_MAX = 128,
    TOKEN_LINE_LEN_MAX = 512,
};

struct token {
    uint8_t hash[TOKEN_HASH_LEN];
    struct slice tenant; // [a-z0-9._-]{1,128}
    struct slice name;   // the same rule; one of its tenant has it
    uint32_t scopes;     // bits of enum scope; at least one
    when_ms created_at;
    when_ms expires_at; // WHEN_NEVER: never
};

// The text that its owner gets.
void token_text(const uint8_t secret[TOKEN_SECRET_LEN], char out[TOKEN_TEXT_LEN + 1]);

// What follows "Bearer " in an Authorization header; empty when it is none.
struct slice token_bearer(struct slice header);

// The names that tenants and tokens may have.
bool token_is_name(struct slice name);

// What all tokens of a tenant may do together in a minute, at each gateway.
struct token_quota {
    struct slice tenant;
    uint64_t requests; // 0: as many as it likes; at most TOKEN_QUOTA_MAX
    uint64_t bytes;    // of bodies; the same
    uint64_t open;     // unfinished jobs at any time, wherever they came from; 0: no quota, at most
                       // TOKEN_OPEN_MAX
};
#define TOKEN_QUOTA_MAX (UINT64_C(1) << 40)
#define TOKEN_OPEN_MAX (UINT64_C(1) << 30)

// The line and its line feed.
void token_put(struct bytes_out *out, const struct token *token);
void token_put_quota(struct bytes_out *out, const struct token_quota *quota);
// `line` is without its line feed; the token's names point into it.
//   ERR_DAMAGED   it is not one that token_put() makes
MUST_USE err token_read(struct slice line, struct token *out_token);
MUST_USE err token_read_quota(struct slice line, struct token_quota *out_quota);
// Which of the two it may be.
bool token_is_quota(struct slice line);
