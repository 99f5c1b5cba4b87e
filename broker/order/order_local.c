// The order of one broker: a batch is settled by its own commit.

#include "broker/order/order.h"

#include "broker/store/store.h"

static err append(void *ctx, uint64_t batch, const struct effects *effects)
{
    (void)batch; // batches arrive in their order; only a shared log would need the number
    return store_commit(ctx, effects->writes, effects->write_count);
}

struct order order_local(struct store *store)
{
    return (struct order){.ctx = store, .append = append};
}
