#pragma once

// CURVE certificates on the disk, in the format of czmq's zcert (ZPL), which other languages'
// bindings read too:
//
//   metadata
//       name = "ci"
//       tenant = "acme"
//       scopes = "submit,read"
//       created-at = "1766000000000"       ms since 1970
//       expires-at = "1766000000000"       not there: never
//   curve
//       public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
//       secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"      of a secret one only
//
// Any thread.

#include "lib/base/when.h"
#include "lib/link/link.h"

enum { CERT_WORD_LEN_MAX = 128, CERT_FILE_LEN_MAX = 4096 };

struct cert {
    char public_key[LINK_KEY_LEN + 1];
    char secret_key[LINK_KEY_LEN + 1]; // empty: a public certificate
    char name[CERT_WORD_LEN_MAX + 1];
    char tenant[CERT_WORD_LEN_MAX + 1];
    char scopes[CERT_WORD_LEN_MAX + 1];
    when_ms created_at;
    when_ms expires_at; // WHEN_NEVER: never
};

// A fresh pair of keys; the words stay empty.
void cert_make(struct cert *out_cert);
// Is it a key's text?
bool cert_is_key(struct slice text);

// A word that is not there is empty.
//   ERR_NOT_FOUND   there is no such file
//   ERR_DAMAGED     it is no certificate
//   ERR_DISK, ERR_SYSTEM
MUST_USE err cert_read(const char *path, struct cert *out_cert);
// In one step, readable by its owner only. With `with_secret` the secret key is written too.
//   ERR_NO_MEMORY, ERR_DISK, ERR_SYSTEM
MUST_USE err cert_write(const char *path, const struct cert *cert, bool with_secret);
