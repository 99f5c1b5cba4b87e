// Reading webhook endpoints from a snapshot.

#include "broker/store/store_private.h"

#include "lib/base/origin.h"

err store_view_endpoint(struct store_view *view, struct slice tenant, struct slice id,
                        struct endpoint_row *out_row)
{
    uint8_t room[STORE_RECORD_ENDPOINT_KEY_LEN_MAX];
    struct slice value = {0};
    struct slice key = {0};
    if (id.len == 0 || id.len > MSG_NAME_LEN_MAX || tenant.len > MSG_NAME_LEN_MAX)
        return ERR_NOT_FOUND;
    // A seek, so that the names in the row are the snapshot's and not `room`.
    struct slice name = store_record_endpoint_key(tenant, id, room);
    err e = disk_seek(view->reader, TABLE_ENDPOINTS, name, &key, &value);
    if (e == OK && !slice_equal(key, name))
        e = ERR_NOT_FOUND;
    if (e != OK)
        return e;
    e = store_record_get_endpoint(value, key, out_row);
    if (e != OK)
        atomic_fetch_add(&view->store->damaged, 1);
    return e;
}

err store_view_endpoint_after(struct store_view *view, struct slice tenant, struct slice id,
                              struct endpoint_row *out_row)
{
    uint8_t room[STORE_RECORD_ENDPOINT_KEY_LEN_MAX];
    struct slice value = {0};
    struct slice key = {0};
    CHECK(tenant.len <= MSG_NAME_LEN_MAX && id.len <= MSG_NAME_LEN_MAX);
    struct slice name = store_record_endpoint_key(tenant, id, room);
    struct endpoint_row row;
    err e = disk_seek(view->reader, TABLE_ENDPOINTS, name, &key, &value);
    if (e == OK && slice_equal(key, name))
        e = disk_next(view->reader, &key, &value);
    while (e == OK && store_record_get_endpoint(value, key, &row) != OK) {
        atomic_fetch_add(&view->store->damaged, 1);
        e = disk_next(view->reader, &key, &value);
    }
    // Those of a tenant stand together.
    if (e == OK && !origin_is_tenant(row.tenant, tenant))
        e = ERR_NOT_FOUND;
    if (e == OK)
        *out_row = row;
    return e;
}
