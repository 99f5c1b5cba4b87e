#pragma once

// The secret with which `weft worker --http` signs: a file that only its owner may read, with one line
// "whsec_" and base64, as Standard Webhooks writes secrets. While it is being changed there are two
// lines, and every request has two signatures.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/post/signature.h"

enum { SECRET_LEN_MIN = 24, SECRET_LEN_MAX = 64 }; // bytes that the base64 stands for

struct secrets {
    uint8_t bytes[SIGNATURE_KEYS_MAX][SECRET_LEN_MAX];
    size_t lens[SIGNATURE_KEYS_MAX]; // 0: there is none
};

// Reads the file. After an error `out_why` is half a sentence, static.
//   ERR_NOT_FOUND   there is none
//   ERR_SCOPE       others than its owner may read it
//   ERR_DAMAGED     it is not such a file
//   ERR_DISK, ERR_SYSTEM
MUST_USE err secret_read(const char *path, struct secrets *out_secrets, const char **out_why);

// A new one, of random bytes; flushed. The file must not be there: it would be overwritten.
//   ERR_DISK, ERR_SYSTEM
MUST_USE err secret_make(const char *path);
