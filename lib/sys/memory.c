// mmap, madvise and glibc.

#include "lib/sys/memory.h"

#include "lib/base/check.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY_ALIGNMENT = 16 };

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

// Of a piece: whole pages, and one that nobody may touch.
static size_t mapped_len(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page + page;
}

static size_t aligned(size_t size)
{
    return (size + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
}

void *memory_reserve(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t len = mapped_len(size);
    unsigned char *base =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (mprotect(base + len - page, page, PROT_NONE) != 0) {
        (void)munmap(base, len); // just mapped
        return NULL;
    }
    return base + len - page - aligned(size);
}

void memory_release(void *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t len = mapped_len(size);
    if (memory == NULL)
        return;
    unsigned char *base = (unsigned char *)memory + aligned(size) + page - len;
    CHECK((uintptr_t)base % page == 0);
    (void)munmap(base, len); // it was mapped
}

void memory_trim(void)
{
    (void)malloc_trim(0); // nothing to give is no failure
}
