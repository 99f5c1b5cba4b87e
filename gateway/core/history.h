#pragma once

// Answers about a job's past: its timeline, its log. Fields of docs/http-api.md. Pure.

#include "gateway/core/out.h"
#include "proto/msg.h"

// One of its events alone.
void history_event(struct out *out, const struct msg_timeline_event *event);
void history_timeline(struct out *out, const struct msg_timeline_is *timeline);
// `after`: what was asked for.
void history_log(struct out *out, const struct msg_log_is *log, uint32_t after);

// How many lines are missing before line `at` of the log, or behind the last one.
uint32_t history_dropped(const struct msg_log_is *log, uint32_t after, uint32_t at);
// "failed", "succeeded" …; NULL for OUTCOME_NONE.
const char *history_outcome(enum outcome outcome);

// Bytes that the texts of each may take at most, escapes included.
size_t history_timeline_len(const struct msg_timeline_is *timeline);
size_t history_log_len(const struct msg_log_is *log);
