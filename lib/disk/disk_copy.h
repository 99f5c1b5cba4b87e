#pragma once

// A copy of a disk that another process may have open and go on writing to: as of one moment
// between two commits, without free pages, and marked as a backup, which disk_open() refuses but to
// who makes a data directory of it (disk_adopt()).
//
// While it is made the pages that it needs are not used again by the writer.

#include "lib/disk/disk.h"

struct disk_copy_options {
    const char *from;
    const char *to; // a directory that exists and holds no data file
    const char *name;
    uint32_t format; // as in disk_options, and so is the next
    char *why;
    // One value of the copy is shown to `see` when the copy is whole. NULL: none.
    const char *table;
    struct slice key;
    void (*see)(void *ctx, struct slice value);
    // Now and then, and once at the end, how far it has come. NULL: nobody wants to know.
    void (*tell)(void *ctx, uint64_t bytes, uint64_t bytes_expected);
    void *ctx;
};

// After OK the copy and its name are flushed; after an error what there is of it may be removed.
//   ERR_UNSUPPORTED   not the data of `name`, of a later version, or a backup itself
//   ERR_DAMAGED       cut short, or its pages contradict each other
//   ERR_DISK          anything else, of either side
MUST_USE err disk_copy(const struct disk_copy_options *options, uint64_t *out_bytes);
