// A batch appended to the local order is a batch in the store.
// links: weft_broker_store weft_broker_core

#include "broker/order/order.h"
#include "broker/store/store.h"
#include "tests/support/batcher.h"
#include "tests/support/test.h"

static struct batcher batch;

TEST(order_local, appended_batch_is_stored)
{
    struct store_options options = {.dir = test_temp_dir(), .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    EXPECT_EQ(store_open(&options, &store, &why), OK);
    struct order order = order_local(store);
    batcher_init(&batch, 10);
    batcher_begin(&batch);
    struct job_row row = batcher_submit(&batch, false);
    batcher_put(&batch, &row, true);
    batcher_close(&batch);
    struct effects effects = {.writes = batch.writes, .write_count = batch.write_count};
    EXPECT_EQ(order.append(order.ctx, 1, &effects), OK);
    struct ledger_row ledger = {0};
    EXPECT_EQ(store_ledger(store, &ledger), OK);
    EXPECT_EQ(ledger.accepted, 1);
    effects.write_count = 0; // a batch that only answers
    EXPECT_EQ(order.append(order.ctx, 2, &effects), OK);
    store_close(store);
}
