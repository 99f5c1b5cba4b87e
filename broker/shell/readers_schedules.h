#pragma once

// SCHEDULE_STATUS and SCHEDULE_LIST, answered by the reader thread; the next moments are worked
// out there too.

#include "broker/core/schedules.h"
#include "broker/shell/zones.h"
#include "broker/store/store.h"

// What a question about schedules carries; made by the link thread, freed by the reader.
struct readers_schedules {
    bool is_list;
    uint32_t count;      // moments of one schedule, or schedules of a list
    struct slice tenant; // borrowed for ever
    uint16_t name_len;
    uint8_t name[SCHEDULES_NAME_LEN_MAX]; // with the tenant
};
// `id` has at most MSG_NAME_LEN_MAX bytes. NULL when there is no memory.
struct readers_schedules *readers_schedules_new(struct slice tenant, struct slice id,
                                                uint32_t count);
void readers_schedules_free(struct readers_schedules *schedules);

// The reader's room for answers.
struct readers_desk {
    struct zones *zones;
    struct arena arena;
};
// ERR_NO_MEMORY; deinit takes a zeroed one
MUST_USE err readers_schedules_init(struct readers_desk *desk);
void readers_schedules_deinit(struct readers_desk *desk);

// The answer borrows from the question, the view and the desk. What cannot be read is told as its error.
void readers_schedules_answer(const struct readers_schedules *question, struct store_view *view,
                              struct readers_desk *desk, when_ms now, struct msg *out_msg);
