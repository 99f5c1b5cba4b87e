#pragma once

// The keys that may come in by the doors, in memory: whose each is, what it may do, and what is
// left of its tenant's quotas. The link thread owns it.
//
// The directory (key_dir.h) is read again when it changes. A key that has gone, that has expired or
// whose words have changed is another one from then on; a directory that cannot be read leaves all
// as it was, for nobody gets in by that.

#include "broker/shell/key_dir.h"

struct keyring;

struct holder {
    char key[LINK_KEY_LEN + 1];
    char name[CERT_WORD_LEN_MAX + 1];
    char tenant[CERT_WORD_LEN_MAX + 1];
    bool is_of_all;  // it may name any tenant
    uint32_t scopes; // bits of enum scope
    when_ms expires_at;
    uint32_t quota;    // place in the quotas, or KEYRING_NONE
    uint32_t open_max; // unfinished jobs of its tenant; 0: no quota
};
#define KEYRING_NONE UINT32_MAX

// Makes the directory and the broker's pair if they are not there.
//   any of key_dir.h's; `out_why` is a sentence then
MUST_USE err keyring_open(const char *dir, struct keyring **out_keyring, const char **out_why);
void keyring_close(struct keyring *keyring); // NULL is allowed

// The broker's own pair.
const struct cert *keyring_own(const struct keyring *keyring);
// Readable when the directory has changed.
int keyring_fd(const struct keyring *keyring);
// True when the keys have been read anew: every pointer from keyring_find() has ended. `mono` is
// now.
bool keyring_refresh(struct keyring *keyring, when_ms mono);
uint32_t keyring_count(const struct keyring *keyring);

// Who has the key, or NULL: nobody, or not any more. `wall` is now.
const struct holder *keyring_find(const struct keyring *keyring, struct slice key, when_ms wall);
// May it hear of all jobs of all tenants, as the tail tells them?
bool keyring_hears_all(const struct holder *holder); // NULL: no
// True when since the last call, or the first one, a key has ceased to be one that may.
bool keyring_lost_a_listener(struct keyring *keyring, when_ms wall);
// The next moment at which a key expires, by the wall clock; WHEN_NEVER.
when_ms keyring_deadline(const struct keyring *keyring, when_ms wall);

// Takes a request with a block of `bytes` from what the holder's tenant may. False: it is not
// there, nothing was taken, and will be there in `out_wait_ms`.
bool keyring_charge(struct keyring *keyring, const struct holder *holder, uint64_t bytes,
                    when_ms mono, when_ms *out_wait_ms);
