#pragma once

// From a directory to a core that may decide: opens the store, loads what is unfinished, begins a
// new epoch and makes that durable. There is no other way to start, whatever ended the last run.

#include "broker/shell/broker.h"

// Fills broker->store, view, order, clock and core. `out_why` says what to do about an error;
// static, or living as long as the store.
MUST_USE err recover_run(struct broker *broker, const char **out_why);

// Undoes it, in the state in which it was left, also after an error.
void recover_undo(struct broker *broker);
