#pragma once

// What a connection that nobody reads may hold outside of the program.

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline size_t largest_of(const char *path)
{
    char text[128] = "";
    FILE *file = fopen(path, "re");
    EXPECT(file != NULL);
    EXPECT(fgets(text, sizeof text, file) != NULL); // the least, what it begins with, the most
    (void)fclose(file);
    return strtoul(strrchr(text, '\t') + 1, NULL, 10);
}

// In the kernel, more the slower the others read, and in libzmq's encoder.
static inline size_t tcp_bytes_max(void)
{
    enum { ENCODER_BYTES = 1 << 20 };
    return largest_of("/proc/sys/net/ipv4/tcp_rmem") + largest_of("/proc/sys/net/ipv4/tcp_wmem") +
           ENCODER_BYTES;
}
