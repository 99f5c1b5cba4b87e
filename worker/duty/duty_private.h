#pragma once

// Shared by duty.c and the conversation.

#include "worker/duty/duty.h"

struct duty_room {
    struct renewal_room renewal;
    struct msg_finish_job finish[MSG_JOBS_MAX];
    struct msg_log_line lines[JOBLOG_LINES_MAX]; // of one ended job
};
