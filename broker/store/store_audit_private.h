#pragma once

// What the files of the auditor share. A new index is one row in one of the two tables:
// row_checks in store_audit_rows.c (job → index) or walks in store_audit_tables.c (index → job).

#include "broker/store/store_audit.h"
#include "broker/store/store_private.h"

enum {
    STORE_AUDIT_SUSPECTS_MAX = 64,   // the others are found by the next round
    STORE_AUDIT_ENTRIES_MAX = 2048,  // of an index, in one step
    STORE_AUDIT_BYTES_MAX = 2 << 20, // of records, in one step; passed by one at most
};

// Wrong by what was seen, unless it was only in flight: a later snapshot will tell.
struct store_audit_suspect {
    enum violation kind;
    uint64_t no;
    struct id id;
    uint32_t version; // of the row
    uint64_t begun;   // commits that the snapshot may have held
    bool is_missed;   // looked for again, after these commits, and not found
};

// A batch as its row was at the beginning of the round, and its members as they were met.
struct store_audit_batch {
    struct id id;
    uint32_t version; // 0: none
    uint32_t counts[JOB_STATES];
    uint64_t first_no, last_no;
};

// An entry of a table, by its key.
struct store_audit_place {
    uint8_t key[DISK_KEY_LEN_MAX];
    size_t len; // 0: none
};

struct store_audit {
    struct store *store;
    struct store_view *view; // begun within a step
    struct store_audit_options options;
    struct violation_list found;
    uint64_t row_count;
    uint8_t lanes[(UINT16_MAX + 1) / 8]; // those that rows carry
    uint64_t commit_violations;          // told in earlier rounds
    bool has_damaged_rows;               // in this round: sums prove nothing
    // Where the round goes on.
    uint32_t part;
    uint64_t segment_no;
    uint32_t walk;
    struct store_audit_place place; // none: at the table's beginning
    // The last entry of each table when the round began. What came later is for the next round, or
    // a broker that takes more than the auditor looks at would never see the end of one.
    struct store_audit_place ends[TABLE_COUNT];
    // Of the snapshot.
    struct ledger_row ledger;
    uint64_t begun; // commits that it may hold
    // Of the segment in hand.
    struct store_record_segment segment;
    struct store_record_segment counted;
    bool has_segment_damage;
    struct store_audit_batch *batches; // by number
    uint32_t batch_count;
    struct store_audit_suspect suspects[STORE_AUDIT_SUSPECTS_MAX];
    uint32_t suspect_count;
    struct job_row rows[STORE_SEGMENT_JOBS]; // unfinished ones of the last step
    uint32_t rows_len;
};

// The value of a numbered entry, or ERR_NOT_FOUND.
MUST_USE err store_audit_get(struct store_audit *audit, enum store_table table, uint64_t no,
                             struct slice *out_record);
// The row with this number. ERR_NOT_FOUND, ERR_DAMAGED (accused already by its own walk)
MUST_USE err store_audit_row(struct store_audit *audit, uint64_t no, struct job_row *out_row);
void store_audit_suspect(struct store_audit *audit, enum violation kind, const struct job_row *row);

// Everything about one row.
MUST_USE err store_audit_check_row(struct store_audit *audit, const struct job_row *row);
// Goes on with the indexes; true when the last of them is done.
MUST_USE err store_audit_walk(struct store_audit *audit, bool *out_is_done);
// store_audit_history.c: one row's events and log; one entry of the timeline, one chunk.
MUST_USE err store_audit_check_events(struct store_audit *audit, const struct job_row *row);
MUST_USE err store_audit_see_event(struct store_audit *audit, struct slice key,
                                   struct slice record);
MUST_USE err store_audit_see_log(struct store_audit *audit, struct slice key, struct slice record);
// store_audit_relations.c: the unique key of one row; one entry of the table.
MUST_USE err store_audit_check_unique(struct store_audit *audit, const struct job_row *row);
MUST_USE err store_audit_check_dep(struct store_audit *audit, const struct job_row *row);
MUST_USE err store_audit_see_dep(struct store_audit *audit, struct slice key, struct slice record);
MUST_USE err store_audit_see_unique(struct store_audit *audit, struct slice key,
                                    struct slice record);
// How a number looks in a key, or 0.
uint64_t store_audit_number(struct slice key);
// A copy of the key; an empty one is none.
void store_audit_keep(struct store_audit_place *place, struct slice key);
static inline struct slice store_audit_key(const struct store_audit_place *place)
{
    return slice_of(place->key, place->len);
}
