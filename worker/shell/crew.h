#pragma once

// The handlers: starts them for waiting jobs, carries their bytes, stops them, and turns their ends
// into outcomes. In the plain mode a handler lives as long as its job; with --lines there is one
// long-lived child per slot.

#include "worker/shell/worker.h"

// What the loop finds in epoll's data: a pipe of a slot, or one of the others.
enum crew_source { CREW_PIPE, CREW_SPAWNER, CREW_SIGNALS, CREW_PUSHER };
uint64_t crew_tag(enum crew_source source, uint32_t slot, enum handler_pipe which);
enum crew_source crew_tag_source(uint64_t tag);

// Begins what waits, as far as it may.
void crew_begin(struct worker *worker);
// A pipe is ready.
void crew_pipe(struct worker *worker, uint64_t tag);
// Takes in what the spawner has to say.
void crew_reports(struct worker *worker);

// Signals that the spawner had no room for.
void crew_due(struct worker *worker);
// When crew_due() or crew_begin() has something to do by time alone, or WHEN_NEVER.
when_ms crew_next(const struct worker *worker);

// There is no program to run: no more jobs are taken. The first time the log says so.
void crew_go_quiet(struct worker *worker, const char *why);

// The handler of this slot must stop, or is killed.
void crew_stop(struct worker *worker, uint32_t slot, enum slot_order order);
// Children without a job get the end of their stdin.
void crew_dismiss(struct worker *worker);
// Handlers that are still there.
uint32_t crew_count(const struct worker *worker);
