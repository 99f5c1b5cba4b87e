// madvise and glibc.

#include "lib/sys/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void memory_give_back(void *memory, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)memory;
    uintptr_t skipped = (page - begin % page) % page;
    if (skipped >= size)
        return;
    size_t len = (size - skipped) / page * page;
    if (len > 0)
        (void)madvise((unsigned char *)memory + skipped, len, MADV_DONTNEED); // only thrift
}

void memory_trim(void)
{
    (void)malloc_trim(0); // nothing to give is no failure
}
