// The bytes behind derived ids and slots.

#include "lib/base/origin.h"

struct slice origin_tenant(struct slice tenant)
{
    return tenant.len > 0 ? tenant : slice_of_text("default");
}

bool origin_is_tenant(struct slice tenant, struct slice other)
{
    return slice_equal(origin_tenant(tenant), origin_tenant(other));
}

// The label has no length before it: all labels differ from each other before their end.
static void put_label(struct bytes_out *out, const char *label)
{
    bytes_put(out, label, strlen(label));
}

void origin_put_key(struct bytes_out *out, const struct origin *origin, struct slice key)
{
    put_label(out, "weft/id/1");
    bytes_put_slice(out, origin->tenant);
    bytes_put_slice(out, origin->queue);
    bytes_put_slice(out, key);
}

void origin_put_concurrency(struct bytes_out *out, const struct origin *origin, struct slice key)
{
    put_label(out, "weft/concurrency/1");
    bytes_put_slice(out, origin->tenant);
    bytes_put_slice(out, origin->queue);
    bytes_put_slice(out, key);
}

void origin_put_unique(struct bytes_out *out, const struct origin *origin, struct slice key)
{
    put_label(out, "weft/unique/1");
    bytes_put_slice(out, origin->tenant);
    bytes_put_slice(out, origin->queue);
    bytes_put_slice(out, key);
}

void origin_put_moment(struct bytes_out *out, const struct origin *origin, struct slice schedule,
                       when_ms moment)
{
    put_label(out, "weft/moment/1");
    bytes_put_slice(out, origin->tenant);
    bytes_put_slice(out, schedule);
    bytes_put_u64(out, (uint64_t)moment);
}

void origin_put_content(struct bytes_out *out, struct slice queue, struct slice type, uint8_t kind,
                        const uint8_t payload_hash[16])
{
    put_label(out, "weft/content/1");
    bytes_put_slice(out, queue);
    bytes_put_slice(out, type);
    bytes_put_u8(out, kind);
    bytes_put(out, payload_hash, 16);
}

void origin_put_slot(struct bytes_out *out, const struct origin *origin)
{
    put_label(out, "weft/slot/1");
    bytes_put_slice(out, origin->tenant);
    bytes_put_slice(out, origin->queue);
}
