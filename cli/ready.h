#pragma once

// The line by which broker and gateway say that they serve: "ready zmq=tcp://… pub=tcp://…". Pure.

#include "lib/base/slice.h"

// True for a line that begins with the word "ready".
bool ready_is_line(struct slice line);

// The text behind "name=", up to the next blank. False when the line has no such name.
bool ready_value(struct slice line, const char *name, struct slice *out_value);
