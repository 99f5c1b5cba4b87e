#pragma once

// The one place where a message is let in at the ZeroMQ door: whose is it, and may they. The same
// scopes and quotas as at the HTTP door. In the clear everybody may everything.
//
//   the key of its frames ─▶ a holder ─▶ the scope of its kind ─▶ the tenant ─▶ the quota

#include "broker/shell/intake_private.h"

// Who may send a message of a kind: one of enum scope, or one of these.
enum {
    PORTER_NOBODY = 0, // a broker does not take it; also what nobody has put into the table
    PORTER_EVERYBODY = 1u << 30,
};
uint32_t porter_scope(const struct msg *msg);

// Fills in the tenant that the key stands for. A peer that speaks by another key than its HELLO is
// made to leave, and arrival->peer is none then.
//   ERR_NO_KEY           the key is not there any more
//   ERR_SCOPE            it has not the scope
//   ERR_FOREIGN_TENANT   the message names another tenant
//   ERR_QUOTA            arrival->retry_after_ms says when there will be room
err porter_judge(struct broker *broker, struct arrival *arrival, const char **out_detail);

// A worker is its id and its key: another key of the tenant must not end its session. After
// porter_judge().
bool porter_may_join(const struct broker *broker, const struct arrival *arrival);

// A message was refused. What no sound peer does counts, and in the end its connection is cut.
void porter_blame(struct broker *broker, const struct link_message *frames, err error);

// So many connections have been cut.
void porter_count_cut(struct broker *broker, uint32_t count);

// The keys were read anew, or one has expired: whoever is here by one that is gone leaves, and his
// connection is cut. What he holds goes by the rules of leases.
void porter_review(struct broker *broker);
