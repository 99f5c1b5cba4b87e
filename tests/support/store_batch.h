#pragma once

// A store in a directory of a test, and what a batcher has gathered put down there.

#include "broker/store/store.h"
#include "tests/support/batcher.h"
#include "tests/support/test.h"

static inline struct store *store_in(const char *dir)
{
    struct store_options options = {
        .dir = dir, .map_bytes_max = UINT64_C(1) << 32, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    return store;
}

static inline void batcher_commit(struct batcher *batcher, struct store *store)
{
    batcher_close(batcher);
    EXPECT_EQ(store_commit(store, batcher->writes, batcher->write_count), OK);
}
