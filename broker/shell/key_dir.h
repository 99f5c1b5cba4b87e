#pragma once

// The directory of CURVE keys, kept by `weft key` and read by the broker:
//
//   broker.key          the broker's secret certificate, for nobody else
//   broker.pub          its public one, for every peer
//   peers/NAME.pub      one for each key that is allowed, with its tenant and scopes
//   quotas              what tenants may do in a minute
//
// Certificates are as lib/link/cert.h says. Every file is replaced in one step. Any thread, one at
// a time; whoever changes something holds the lock.

#include "lib/link/cert.h"

enum {
    KEY_DIR_COUNT_MAX = 4096,       // allowed keys
    KEY_DIR_QUOTA_COUNT_MAX = 4096, // tenants with a quota
    KEY_DIR_QUOTAS_LEN_MAX = 1 << 20,
    KEY_DIR_LOCK_MS = 5000,
};
#define KEY_DIR_EVERY_TENANT "*" // in the place of a tenant: the key may name any
#define KEY_DIR_QUOTA_MAX (UINT64_C(1) << 40)
#define KEY_DIR_OPEN_MAX (UINT64_C(1) << 30)

struct key_quota {
    char tenant[CERT_WORD_LEN_MAX + 1];
    uint64_t requests; // 0: as many as it likes
    uint64_t bytes;    // of payload blocks; the same
    uint64_t open;     // unfinished jobs at any time; the same, at most KEY_DIR_OPEN_MAX
};

struct key_list {
    struct cert *items; // by name
    uint32_t count;
    struct key_quota *quotas; // by tenant
    uint32_t quota_count;
    uint32_t skipped_count;              // files that are no sound certificate of an allowed key
    char skipped[CERT_WORD_LEN_MAX + 1]; // the last of them
};

// Makes the directory; waits KEY_DIR_LOCK_MS.
//   ERR_LOCKED, ERR_DISK, ERR_SYSTEM
MUST_USE err key_dir_lock(const char *dir, int *out_lock);
void key_dir_unlock(int lock);

// The broker's own pair; made when there is none. Needs the lock.
//   ERR_DAMAGED, ERR_DISK, ERR_SYSTEM
MUST_USE err key_dir_own(const char *dir, struct cert *out_cert);

// What is damaged is skipped: one bad file must not lock out everybody. Of two files with the same
// key neither counts. Call key_dir_free() after OK.
//   ERR_NOT_FOUND   there is no such directory
//   ERR_DAMAGED     the quotas cannot be read
//   ERR_FULL        more files than KEY_DIR_COUNT_MAX
MUST_USE err key_dir_read(const char *dir, struct key_list *out_list);
void key_dir_free(struct key_list *list);

// Allows the public key of `cert`, under its name. Needs the lock.
MUST_USE err key_dir_put(const char *dir, const struct cert *cert);
//   ERR_NOT_FOUND   no key is allowed under this name
MUST_USE err key_dir_peek(const char *dir, const char *name, struct cert *out_cert);
MUST_USE err key_dir_drop(const char *dir, const char *name);
// Writes all quotas of the list. Needs the lock.
MUST_USE err key_dir_put_quotas(const char *dir, const struct key_list *list);

// Sound words: a name, a tenant or KEY_DIR_EVERY_TENANT, scopes.
bool key_dir_is_sound(const struct cert *cert);
