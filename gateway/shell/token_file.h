#pragma once

// The list of tokens on the disk: DIR/list, written whole in one step by `weft token`, read by
// every gateway that is told of it. Its first line is "weft-tokens 1", then a line for each token
// and for each tenant with a quota (gateway/core/token.h).

#include "gateway/core/token.h"
#include "lib/base/err.h"

enum { TOKEN_COUNT_MAX = 4096, TOKEN_QUOTA_COUNT_MAX = 4096, TOKEN_FILE_LOCK_MS = 5000 };

struct token_list {
    struct token *items; // room for TOKEN_COUNT_MAX; by hash when read
    uint32_t count;
    struct token_quota *quotas; // room for TOKEN_QUOTA_COUNT_MAX; one of a tenant
    uint32_t quota_count;
    uint8_t *text; // the names point into it
};

// Which file it was; all zeros: there is none.
struct token_stamp {
    uint64_t inode;
    int64_t changed_s;
    int64_t changed_ns;
    int64_t len;
};

//   ERR_NOT_FOUND   there is none (the stamp is zero)
//   ERR_SYSTEM      errno is kept
MUST_USE err token_file_look(const char *dir, struct token_stamp *out_stamp);

// Call token_file_free() after OK.
//   ERR_NOT_FOUND   there is none
//   ERR_DAMAGED     a line that `weft token` has not written, or too many
//   ERR_NO_MEMORY, ERR_DISK, ERR_SYSTEM
MUST_USE err token_file_read(const char *dir, struct token_list *out_list);
// An empty one.
MUST_USE err token_file_new(struct token_list *out_list);
void token_file_free(struct token_list *list);

// Whoever changes the list holds this from reading to writing; waits TOKEN_FILE_LOCK_MS. Makes the
// directory.
//   ERR_LOCKED, ERR_DISK, ERR_SYSTEM
MUST_USE err token_file_lock(const char *dir, int *out_lock);
void token_file_unlock(int lock);
MUST_USE err token_file_write(const char *dir, const struct token_list *list);
