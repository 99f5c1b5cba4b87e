// A question whose answer nobody looks at.

#include "gateway/shell/batch_seal.h"

#include "gateway/shell/gateway.h"

#include <stdlib.h>

struct sealing {
    struct ask ask; // first: the courier's pointer is ours
    struct msg msg;
    uint8_t tenant[MSG_NAME_LEN_MAX]; // it may outlive the request
};

static void sealed(struct ask *ask, const struct ask_result *result)
{
    (void)result;
    free(ask);
}

void batch_seal_say(const struct gateway *gateway, struct slice tenant, const struct id *batch_id)
{
    struct sealing *sealing = calloc(1, sizeof *sealing);
    if (sealing == NULL)
        return;
    CHECK(tenant.len <= sizeof sealing->tenant);
    sealing->msg = (struct msg){.kind = MSG_BATCH_SEAL, .batch_seal = {.batch_id = *batch_id}};
    memcpy(sealing->tenant, tenant.data, tenant.len);
    sealing->ask = (struct ask){.kind = ASK_MSG,
                                .tenant = slice_of(sealing->tenant, tenant.len),
                                .done = sealed,
                                .question = &sealing->msg};
    courier_ask(gateway->courier, &sealing->ask);
}
