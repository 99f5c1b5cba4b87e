#pragma once

// Whether there is a program to run, asked before there is a job for it.

#include "lib/base/err.h"

// Looks where execvpe() will look: at `name` itself when it has a '/', else along PATH. What is
// found now may be gone later.
//   ERR_NOT_FOUND   nothing there that may be executed; errno says which: ENOENT or EACCES
MUST_USE err lookup_program(const char *name);
