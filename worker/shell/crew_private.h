#pragma once

// Shared by crew.c (starting and carrying) and crew_end.c (stopping and ending).

#include "worker/shell/crew.h"

// duty_end(), after what the handler has said last.
void crew_end(struct worker *worker, uint32_t slot, struct outcome_report *report);
// The handler of this slot has ended, as the spawner reports.
void crew_handler_ended(struct worker *worker, uint32_t slot, const struct spawner_report *report);
// Answer lines that have arrived on stdout (--lines).
void crew_answers(struct worker *worker, uint32_t slot);
// Tells the child of --lines that its job is to be stopped.
void crew_tell_cancel(struct worker *worker, uint32_t slot);
// Words on descriptor 3.
void crew_words(struct worker *worker, uint32_t slot);
// Sends a signal, now or as soon as the spawner has room.
void crew_signal(struct worker *worker, uint32_t slot, int signo);

// The process cannot go on. Handlers die with it.
_Noreturn void crew_die(struct worker *worker, const char *event, const char *why);
