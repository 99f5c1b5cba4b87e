// A round: the ledger's sums, all rows by segment, all indexes, all batches, what is still under
// suspicion.

#include "broker/store/store_audit_private.h"

#include "broker/core/batches.h"

#include <stdlib.h>

// --- reading ---

uint64_t store_audit_number(struct slice key)
{
    return key.len == sizeof(struct disk_key) ? disk_key_number(key) : 0;
}

err store_audit_get(struct store_audit *audit, enum store_table table, uint64_t no,
                    struct slice *out_record)
{
    struct disk_key key = disk_key_of(no);
    return disk_get(audit->view->reader, table, disk_key_slice(&key), out_record);
}

err store_audit_row(struct store_audit *audit, uint64_t no, struct job_row *out_row)
{
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    err e = store_audit_get(audit, TABLE_JOBS, no, &record);
    return e == OK ? store_record_get_job(record, disk_key_slice(&key), out_row) : e;
}

void store_audit_keep(struct store_audit_place *place, struct slice key)
{
    CHECK(key.len <= sizeof place->key);
    if (key.len > 0)
        memcpy(place->key, key.data, key.len);
    place->len = key.len;
}

static err step_ends(struct store_audit *audit, bool *out_is_done)
{
    uint8_t last[DISK_KEY_LEN_MAX];
    memset(last, 0xFF, sizeof last);
    err e = OK;
    for (uint32_t table = 0; table < TABLE_COUNT && (e == OK || e == ERR_NOT_FOUND); table++) {
        struct slice key = {0};
        struct slice record = {0};
        e = disk_seek_back(audit->view->reader, table, slice_of(last, sizeof last), &key, &record);
        store_audit_keep(&audit->ends[table], key);
    }
    *out_is_done = true;
    return e == ERR_NOT_FOUND ? OK : e;
}

static err read_ledger(struct store_audit *audit)
{
    struct disk_key key = disk_key_of(META_LEDGER);
    struct slice record = {0};
    err e = store_audit_get(audit, TABLE_META, META_LEDGER, &record);
    if (e != OK)
        return e;
    if (store_record_get_ledger(record, disk_key_slice(&key), &audit->ledger) == OK)
        return OK;
    violation_add(&audit->found, VIOLATION_DAMAGED, META_LEDGER, NULL);
    return ERR_NOT_FOUND; // nothing can be compared
}

// --- suspects ---

void store_audit_suspect(struct store_audit *audit, enum violation kind, const struct job_row *row)
{
    if (audit->suspect_count == STORE_AUDIT_SUSPECTS_MAX)
        return;
    audit->suspects[audit->suspect_count++] = (struct store_audit_suspect){
        .kind = kind, .no = row->no, .id = row->id, .version = row->version, .begun = audit->begun};
}

// The table of keys follows the commits, so a key may be missing while its commit is under way.
// Looked for after all commits that the suspect's snapshot may have held, and before the
// next snapshot, which then tells whether its job was only removed meanwhile.
static void look_for_keys(struct store_audit *audit)
{
    uint64_t settled = atomic_load(&audit->store->settled_count);
    for (uint32_t i = 0; i < audit->suspect_count; i++) {
        struct store_audit_suspect *suspect = &audit->suspects[i];
        suspect->is_missed = suspect->kind != VIOLATION_KEYMAP ||
                             (settled >= suspect->begun &&
                              !store_keymap_has(&audit->store->keymap, &suspect->id, suspect->no));
    }
}

// An unfinished job that memory did not know had ended, and may live again by now: then its
// version has grown.
static bool is_still_there(const struct store_audit_suspect *suspect, const struct job_row *row)
{
    bool is_untouched = row->state < JOB_SUCCEEDED && row->version == suspect->version;
    return id_equal(&row->id, &suspect->id) && (suspect->kind == VIOLATION_KEYMAP || is_untouched);
}

// In the new snapshot: whoever is still there is guilty, whoever is not was in flight.
static err judge_suspects(struct store_audit *audit)
{
    uint32_t kept = 0;
    uint64_t settled = atomic_load(&audit->store->settled_count);
    for (uint32_t i = 0; i < audit->suspect_count; i++) {
        struct store_audit_suspect suspect = audit->suspects[i];
        if (suspect.kind == VIOLATION_KEYMAP && settled < suspect.begun) {
            audit->suspects[kept++] = suspect;
            continue;
        }
        struct job_row row;
        err e = suspect.is_missed ? store_audit_row(audit, suspect.no, &row) : ERR_NOT_FOUND;
        if (e != OK && e != ERR_NOT_FOUND && e != ERR_DAMAGED)
            return e;
        if (e == OK && is_still_there(&suspect, &row))
            violation_add(&audit->found, suspect.kind, suspect.no, &suspect.id);
    }
    audit->suspect_count = kept;
    return OK;
}

// --- sums ---

static void compare_sums(struct store_audit *audit, const uint64_t *sums)
{
    uint64_t all = 0;
    bool agrees = true;
    for (unsigned state = JOB_NONE + 1; state < JOB_STATES; state++) {
        all += audit->ledger.counts[state];
        // Removed jobs count for ever in the ledger, here only while their tombstone stands.
        agrees = agrees && (state == JOB_REMOVED || sums[state] == audit->ledger.counts[state]);
    }
    if (all != audit->ledger.accepted)
        violation_add(&audit->found, VIOLATION_LAW, 0, NULL);
    if (!agrees)
        violation_add(&audit->found, VIOLATION_LEDGER_COUNTS, 0, NULL);
}

// What the store itself has seen at its commits.
static void tell_commits(struct store_audit *audit)
{
    uint64_t count = atomic_load(&audit->store->violations);
    for (; audit->commit_violations < count; audit->commit_violations++)
        violation_add(&audit->found, VIOLATION_COMMIT_COUNTS, 0, NULL);
}

static bool adds_up(const struct queue_row *row)
{
    uint64_t sum = 0;
    for (unsigned state = JOB_NONE + 1; state < JOB_STATES; state++)
        sum += row->counts[state];
    return sum == row->accepted;
}

// A store that no broker has opened since there are such rows has none.
static void compare_queues(struct store_audit *audit, const uint64_t *sums, bool are_there)
{
    bool agrees = sums[JOB_REMOVED] <= audit->ledger.counts[JOB_REMOVED];
    for (unsigned state = JOB_NONE + 1; state < JOB_REMOVED; state++)
        agrees = agrees && sums[state] == audit->ledger.counts[state];
    if (are_there && !agrees)
        violation_add(&audit->found, VIOLATION_QUEUE_COUNTS, 0, NULL);
}

// All of them in one snapshot; there are few.
static err step_queues(struct store_audit *audit, bool *out_is_done)
{
    uint64_t sums[JOB_STATES] = {0};
    struct slice key = {0};
    struct slice record = {0};
    bool are_there = false;
    bool is_damaged = false; // its own walk tells
    err e = disk_seek(audit->view->reader, TABLE_QUEUES, slice_of(NULL, 0), &key, &record);
    for (; e == OK; e = disk_next(audit->view->reader, &key, &record)) {
        struct queue_row row = {0};
        are_there = true;
        is_damaged = is_damaged || store_record_get_queue(record, key, &row) != OK;
        if (!is_damaged && !adds_up(&row))
            violation_add(&audit->found, VIOLATION_QUEUE_COUNTS, row.no, NULL);
        for (unsigned state = 0; state < JOB_STATES; state++)
            sums[state] += row.counts[state];
    }
    if (!is_damaged)
        compare_queues(audit, sums, are_there);
    *out_is_done = true;
    return e == ERR_NOT_FOUND ? OK : e;
}

static err step_sums(struct store_audit *audit, bool *out_is_done)
{
    uint64_t sums[JOB_STATES] = {0};
    struct slice key = {0};
    struct slice record = {0};
    bool is_damaged = false;
    err e = disk_seek(audit->view->reader, TABLE_SEGMENTS, slice_of(NULL, 0), &key, &record);
    while (e == OK) {
        struct store_record_segment segment = {0};
        if (store_record_get_segment(record, key, &segment) != OK) {
            violation_add(&audit->found, VIOLATION_DAMAGED, store_audit_number(key), NULL);
            is_damaged = true;
        }
        for (unsigned state = 0; state < JOB_STATES; state++)
            sums[state] += segment.counts[state];
        e = disk_next(audit->view->reader, &key, &record);
    }
    if (!is_damaged)
        compare_sums(audit, sums);
    *out_is_done = true;
    return e == ERR_NOT_FOUND ? OK : e;
}

// --- batches ---

static err reach_batch(struct store_audit *audit, uint32_t no)
{
    if (no < audit->batch_count)
        return OK;
    uint32_t count = no + no / 2 + 64;
    struct store_audit_batch *batches = realloc(audit->batches, count * sizeof *batches);
    if (batches == NULL)
        return ERR_NO_MEMORY;
    memset(batches + audit->batch_count, 0, (count - audit->batch_count) * sizeof *batches);
    audit->batches = batches;
    audit->batch_count = count;
    return OK;
}

typedef err see_batch(struct store_audit *audit, const struct batch_row *row);

static err walk_batches(struct store_audit *audit, see_batch *see)
{
    struct slice key = {0};
    struct slice record = {0};
    err e = disk_seek(audit->view->reader, TABLE_BATCHES, slice_of(NULL, 0), &key, &record);
    while (e == OK) {
        struct batch_row row;
        if (store_record_get_batch(record, key, &row) == OK) // else its own walk tells
            e = see(audit, &row);
        if (e == OK)
            e = disk_next(audit->view->reader, &key, &record);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err note_batch(struct store_audit *audit, const struct batch_row *row)
{
    err e = reach_batch(audit, row->no);
    if (batches_row_has_ended(row) && row->finished_at == 0)
        violation_add(&audit->found, VIOLATION_BATCH_STATE, row->no, &row->id);
    if (e == OK)
        audit->batches[row->no] =
            (struct store_audit_batch){.id = row->id, .version = row->version};
    return e;
}

// Every move of a member counts the batch's version, so one that has kept it since the beginning
// of the round had the same members in every snapshot. Removed members name no batch any more.
static err compare_batch(struct store_audit *audit, const struct batch_row *row)
{
    if (row->no >= audit->batch_count)
        return OK;
    const struct store_audit_batch *noted = &audit->batches[row->no];
    if (noted->version != row->version || !id_equal(&noted->id, &row->id))
        return OK;
    for (unsigned state = JOB_NONE + 1; state < JOB_REMOVED; state++) {
        if (noted->counts[state] != row->counts[state]) {
            violation_add(&audit->found, VIOLATION_BATCH_COUNTS, row->no, &row->id);
            break;
        }
    }
    // A list looks for members between these two.
    bool is_within = noted->first_no == 0 || row->last_no == 0 ||
                     (noted->first_no >= row->first_no && noted->last_no <= row->last_no);
    if (!is_within)
        violation_add(&audit->found, VIOLATION_BATCH_STATE, row->no, &row->id);
    return OK;
}

static err step_note_batches(struct store_audit *audit, bool *out_is_done)
{
    if (audit->batches != NULL)
        memset(audit->batches, 0, audit->batch_count * sizeof *audit->batches);
    *out_is_done = true;
    return walk_batches(audit, note_batch);
}

static err step_compare_batches(struct store_audit *audit, bool *out_is_done)
{
    *out_is_done = true;
    return audit->has_damaged_rows ? OK : walk_batches(audit, compare_batch);
}

// --- rows ---

static err see_row(struct store_audit *audit, struct slice key, struct slice record)
{
    struct job_row row;
    audit->row_count++;
    if (store_record_get_job(record, key, &row) != OK) {
        violation_add(&audit->found, VIOLATION_DAMAGED, store_audit_number(key), NULL);
        audit->has_damaged_rows = true;
        audit->has_segment_damage = true;
        return OK;
    }
    audit->lanes[row.lane / 8] |= (uint8_t)(1u << row.lane % 8);
    audit->counted.counts[row.state]++;
    if (store_record_sweep_at(&row) < audit->segment.earliest_at)
        violation_add(&audit->found, VIOLATION_SWEEP, row.no, &row.id);
    if (audit->options.wants_rows && row.state < JOB_SUCCEEDED)
        audit->rows[audit->rows_len++] = row;
    return store_audit_check_row(audit, &row);
}

// The first number of a segment at or after `from_no` that has rows or counts; ERR_NOT_FOUND.
static err find_segment(struct store_audit *audit, uint64_t from_no, uint64_t *out_no)
{
    struct disk_reader *reader = audit->view->reader;
    struct disk_key segment = disk_key_of(from_no);
    struct disk_key job = disk_key_of(from_no * STORE_SEGMENT_JOBS);
    struct slice key = {0};
    struct slice record = {0};
    uint64_t counted = UINT64_MAX;
    uint64_t filled = UINT64_MAX;
    err e = disk_seek(reader, TABLE_SEGMENTS, disk_key_slice(&segment), &key, &record);
    if (e == OK)
        counted = store_audit_number(key);
    if (e == OK || e == ERR_NOT_FOUND)
        e = disk_seek(reader, TABLE_JOBS, disk_key_slice(&job), &key, &record);
    if (e == OK)
        filled = store_audit_number(key) / STORE_SEGMENT_JOBS;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    *out_no = counted < filled ? counted : filled;
    return *out_no == UINT64_MAX ? ERR_NOT_FOUND : OK;
}

// What is said of the segment; nothing said means no rows. A damaged record is told by the sums.
static err read_segment(struct store_audit *audit, uint64_t no)
{
    struct disk_key key = disk_key_of(no);
    struct slice record = {0};
    audit->segment = (struct store_record_segment){.earliest_at = WHEN_NEVER};
    audit->counted = (struct store_record_segment){0};
    err e = store_audit_get(audit, TABLE_SEGMENTS, no, &record);
    audit->has_segment_damage = false;
    if (e == OK && store_record_get_segment(record, disk_key_slice(&key), &audit->segment) != OK) {
        audit->segment.earliest_at = 0;
        audit->has_segment_damage = true;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static err walk_segment(struct store_audit *audit, uint64_t no)
{
    struct disk_key from = disk_key_of(no * STORE_SEGMENT_JOBS);
    struct slice key = {0};
    struct slice record = {0};
    struct disk_reader *reader = audit->view->reader;
    err e = disk_seek(reader, TABLE_JOBS, disk_key_slice(&from), &key, &record);
    while (e == OK && store_audit_number(key) / STORE_SEGMENT_JOBS == no) {
        e = see_row(audit, key, record);
        if (e == OK)
            e = disk_next(reader, &key, &record);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

// The last segment that the round looks at.
static uint64_t segment_end(const struct store_audit *audit)
{
    uint64_t filled = store_audit_number(store_audit_key(&audit->ends[TABLE_JOBS]));
    uint64_t counted = store_audit_number(store_audit_key(&audit->ends[TABLE_SEGMENTS]));
    filled /= STORE_SEGMENT_JOBS;
    return counted > filled ? counted : filled;
}

static err step_rows(struct store_audit *audit, bool *out_is_done)
{
    uint64_t no = 0;
    err e = find_segment(audit, audit->segment_no, &no);
    if (e == ERR_NOT_FOUND || (e == OK && no > segment_end(audit))) {
        *out_is_done = true;
        return OK;
    }
    if (e == OK)
        e = read_segment(audit, no);
    if (e == OK)
        e = walk_segment(audit, no);
    size_t len = sizeof audit->counted.counts;
    if (e == OK && !audit->has_segment_damage &&
        memcmp(audit->counted.counts, audit->segment.counts, len) != 0)
        violation_add(&audit->found, VIOLATION_SEGMENT_COUNTS, no, NULL);
    audit->segment_no = no + 1;
    return e;
}

// --- the round ---

// Whoever is under suspicion was judged before this step.
static err step_suspects(struct store_audit *audit, bool *out_is_done)
{
    *out_is_done = audit->suspect_count == 0;
    return OK;
}

typedef err part_step(struct store_audit *audit, bool *out_is_done);
static part_step *const parts[] = {
    step_ends, step_sums,        step_queues,          step_note_batches,
    step_rows, store_audit_walk, step_compare_batches, step_suspects,
};

enum { PARTS = sizeof parts / sizeof parts[0] };

static void begin_round(struct store_audit *audit)
{
    audit->found = (struct violation_list){0};
    audit->row_count = 0;
    memset(audit->lanes, 0, sizeof audit->lanes);
    audit->has_damaged_rows = false;
    audit->part = 0;
    audit->segment_no = 0;
    audit->walk = 0;
    audit->place.len = 0;
    audit->suspect_count = 0;
}

static err look(struct store_audit *audit)
{
    bool is_done = false;
    err e = read_ledger(audit);
    if (e == ERR_NOT_FOUND) { // nothing was ever committed, or nothing can be compared
        audit->part = PARTS;
        return OK;
    }
    tell_commits(audit);
    if (e == OK)
        e = judge_suspects(audit);
    if (e == OK)
        e = parts[audit->part](audit, &is_done);
    audit->part += is_done;
    return e;
}

err store_audit_step(struct store_audit *audit, bool *out_is_over)
{
    if (audit->part == PARTS)
        begin_round(audit);
    audit->rows_len = 0;
    look_for_keys(audit);
    err e = store_view_begin(audit->view);
    if (e != OK)
        return e;
    audit->begun = atomic_load(&audit->store->begun_count);
    e = look(audit);
    store_view_end(audit->view);
    *out_is_over = audit->part == PARTS;
    return e;
}

err store_audit_open(struct store *store, const struct store_audit_options *options,
                     struct store_audit **out_audit)
{
    struct store_audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL)
        return ERR_NO_MEMORY;
    audit->store = store;
    audit->options = *options;
    audit->commit_violations = store->violations_at_open;
    err e = store_view_open(store, &audit->view);
    if (e != OK) {
        free(audit);
        return e;
    }
    *out_audit = audit;
    return OK;
}

void store_audit_close(struct store_audit *audit)
{
    if (audit == NULL)
        return;
    store_view_close(audit->view);
    free(audit->batches);
    free(audit);
}

const struct violation_list *store_audit_found(const struct store_audit *audit)
{
    return &audit->found;
}

const uint8_t *store_audit_lanes(const struct store_audit *audit)
{
    return audit->lanes;
}

uint64_t store_audit_row_count(const struct store_audit *audit)
{
    return audit->row_count;
}

const struct job_row *store_audit_rows(const struct store_audit *audit, uint32_t *out_count)
{
    *out_count = audit->rows_len;
    return audit->rows;
}

void store_audit_accuse(struct store_audit *audit, enum violation kind, const struct job_row *row)
{
    if (kind == VIOLATION_FORGOTTEN)
        store_audit_suspect(audit, kind, row);
    else
        violation_add(&audit->found, kind, row->no, &row->id);
}

void store_audit_merge(struct store_audit *audit, const struct violation_list *found)
{
    for (unsigned kind = 0; kind < VIOLATION_COUNT; kind++) {
        const struct violation_tally *tally = &found->of[kind];
        if (tally->count == 0)
            continue;
        violation_add(&audit->found, (enum violation)kind, tally->no, &tally->id);
        audit->found.of[kind].count += tally->count - 1;
    }
}
