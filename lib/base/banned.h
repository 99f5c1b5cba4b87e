#pragma once

// Words that no source file of ours may contain. Force-included before everything else, so the
// headers that declare them are read first; afterwards the compiler refuses the words themselves.
// Pure folders (WEFT_PURE) read only <string.h>: including <stdio.h>, <stdlib.h> or <time.h> there
// is an error by itself, because those headers contain words of the longer list. (`free` is not on it: protobuf-c names a field so.)

#include <string.h>

#ifdef WEFT_PURE
#pragma GCC poison time clock malloc calloc realloc printf fprintf snprintf getenv abort exit
#else
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
// A file that needs all of glibc says '#define _GNU_SOURCE' on a line of its own; the build reads it
// and defines it before this header. The word is free again for that line.
#undef _GNU_SOURCE
#undef sprintf // a macro under clang with _FORTIFY_SOURCE
#endif

// C17 wants <assert.h> for this word; that header brings assert(), which we do not use.
#define static_assert _Static_assert

#pragma GCC poison strcpy strcat sprintf strncpy strtok gets atoi
#pragma GCC poison localtime gmtime rand srand signal system
