// Station type: defaults for jobs of a type, for those that are submitted from now on; and the
// schema of their payloads, which the shell holds them against.

#include "broker/core/core_private.h"

static err refusal(const struct core *core, const struct msg_type_set *set,
                   struct slice *out_detail)
{
    *out_detail = set->detail;
    if (set->verdict != OK)
        return set->verdict;
    const char *limit = types_refusal(&core->ledger.types, set->tenant, set->type);
    if (limit != NULL) {
        *out_detail = slice_of_text(limit);
        return ERR_FULL;
    }
    uint32_t type = types_find(&core->ledger.types, set->tenant, set->type);
    bool keeps_schema = set->named != 0 && (set->named & 1u << TYPE_SCHEMA) == 0;
    if (keeps_schema && type != TYPES_NONE &&
        types_schema(&core->ledger.types, type) != set->schema_hash) {
        *out_detail = slice_of_text("schema: the stored one cannot be read here; name it, too");
        return ERR_CONFLICT;
    }
    const struct msg_defaults after = types_after(&core->ledger.types, type, set);
    return queue_judge(&after, out_detail);
}

static bool is_so_already(const struct core *core, const struct msg_type_set *set)
{
    uint32_t type = types_find(&core->ledger.types, set->tenant, set->type);
    return type != TYPES_NONE && types_is(&core->ledger.types, type, set);
}

void type_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
               struct effects *fx)
{
    const struct msg_type_set *set = &msg->type_set;
    struct msg_type_status_is answer = {0};
    answer.error = refusal(core, set, &answer.detail);
    if (answer.error == OK && !is_so_already(core, set))
        ledger_apply(
            &core->ledger,
            &(struct entry){
                .kind = ENTRY_TYPE, .at = now.store, .slot = ENTRY_NO_SLOT, .type = {.set = set}},
            fx);
    if (answer.error == OK) {
        struct msg_type *is = arena_take(fx->arena, sizeof *is);
        CHECK(is != NULL);
        uint32_t type = types_find(&core->ledger.types, set->tenant, set->type);
        *is = (struct msg_type){.type = set->type,
                                .defaults = *types_defaults(&core->ledger.types, type),
                                .schema = set->schema};
        answer.types = is;
        answer.count = 1;
    }
    effects_send(fx, peer, MSG_TYPE_STATUS_IS, msg->corr)->type_status_is = answer;
}
