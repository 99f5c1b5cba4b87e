#pragma once

// A disk that is full when a test says so. For one test program: it stands before the C library's
// fallocate().

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>

static bool is_disk_full;
static off_t allocated_end; // of its file

// Stands before the C library's.
int fallocate(int fd, int mode, off_t from, off_t len)
{
    (void)fd;
    (void)mode;
    EXPECT(from >= 0 && len > 0);
    allocated_end = from + len > allocated_end ? from + len : allocated_end;
    errno = ENOSPC;
    return is_disk_full ? -1 : 0;
}
