// The figures as Prometheus reads them. Every name is documented in docs/metrics.md.

#include "broker/shell/metrics_private.h"

#include "broker/core/entry.h"
#include "broker/core/job.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(FILE *out, const char *name, uint64_t value, const char *help)
{
    head(out, name, "counter", help);
    (void)fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void gauge(FILE *out, const char *name, double value, const char *help)
{
    head(out, name, "gauge", help);
    (void)fprintf(out, "%s %.17g\n", name, value);
}

static void print_histogram(FILE *out, const char *name, const struct histogram *histogram,
                            const char *help)
{
    head(out, name, "histogram", help);
    for (uint32_t i = 0; i < histogram->bound_count; i++)
        (void)fprintf(out, "%s_bucket{le=\"%.9g\"} %llu\n", name, histogram->bounds[i],
                      (unsigned long long)histogram_below(histogram, i));
    (void)fprintf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name,
                  (unsigned long long)histogram->count, name, histogram->sum, name,
                  (unsigned long long)histogram->count);
}

static void print_states(FILE *out, const struct ledger_row *ledger)
{
    head(out, "weft_jobs", "gauge", "Jobs by state; removed ones are counted for ever.");
    for (int state = JOB_SCHEDULED; state < JOB_STATES; state++)
        (void)fprintf(out, "weft_jobs{state=\"%s\"} %llu\n", job_state_name((enum job_state)state),
                      (unsigned long long)ledger->counts[state]);
}

static void print_lanes(FILE *out, const struct metrics_lane *lanes, uint32_t count)
{
    head(out, "weft_queue_ready", "gauge", "Jobs that wait for a worker, by queue and type.");
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(out, "weft_queue_ready{tenant=\"%s\",queue=\"%s\",type=\"%s\"} %u\n",
                      lanes[i].tenant, lanes[i].queue, lanes[i].type, lanes[i].ready_count);
}

// The law of conservation, for each queue by itself.
static double queue_difference(const struct metrics_queue *queue)
{
    uint64_t sum = 0;
    for (int state = JOB_SCHEDULED; state < JOB_STATES; state++)
        sum += queue->counts[state];
    return (double)(sum > queue->accepted ? sum - queue->accepted : queue->accepted - sum);
}

static void print_queues(FILE *out, const struct metrics_queue *queues, uint32_t count)
{
    double difference = 0;
    head(out, "weft_queue_jobs", "gauge", "Jobs by queue and state; removed ones for ever.");
    for (uint32_t i = 0; i < count; i++) {
        difference += queue_difference(&queues[i]);
        for (int state = JOB_SCHEDULED; state < JOB_STATES; state++)
            (void)fprintf(out, "weft_queue_jobs{tenant=\"%s\",queue=\"%s\",state=\"%s\"} %llu\n",
                          queues[i].tenant, queues[i].queue, job_state_name((enum job_state)state),
                          (unsigned long long)queues[i].counts[state]);
    }
    gauge(out, "weft_queue_conservation_difference", difference,
          "Accepted jobs that are in no state of their queue, of all queues; must be 0.");
}

static bool is_first_of_tenant(const struct metrics_queue *queues, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(queues[i].tenant, queues[at].tenant) == 0)
            return false;
    return true;
}

static void print_tenants(FILE *out, const struct metrics_queue *queues, uint32_t count)
{
    head(out, "weft_tenant_jobs", "gauge", "Jobs by tenant and state; removed ones for ever.");
    for (uint32_t first = 0; first < count; first++) {
        uint64_t sums[JOB_STATES] = {0};
        if (!is_first_of_tenant(queues, first))
            continue;
        for (uint32_t i = first; i < count; i++)
            for (int state = JOB_SCHEDULED;
                 state < JOB_STATES && strcmp(queues[i].tenant, queues[first].tenant) == 0; state++)
                sums[state] += queues[i].counts[state];
        for (int state = JOB_SCHEDULED; state < JOB_STATES; state++)
            (void)fprintf(out, "weft_tenant_jobs{tenant=\"%s\",state=\"%s\"} %llu\n",
                          queues[first].tenant, job_state_name((enum job_state)state),
                          (unsigned long long)sums[state]);
    }
}

static void print_finishes(FILE *out, const struct core_figures *core)
{
    static const char *const names[] = {
        [OUTCOME_SUCCEEDED] = "succeeded",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_DEAD] = "dead",
        [OUTCOME_CRASHED] = "crashed",
        [OUTCOME_INTERRUPTED] = "interrupted",
        [OUTCOME_SNOOZED] = "snoozed",
        [OUTCOME_CANCELLED] = "cancelled",
    };
    head(out, "weft_finished_total", "counter", "Accepted finishes by outcome.");
    for (int outcome = OUTCOME_SUCCEEDED; outcome < OUTCOMES; outcome++)
        (void)fprintf(out, "weft_finished_total{outcome=\"%s\"} %llu\n", names[outcome],
                      (unsigned long long)core->finished[outcome]);
    counter(out, "weft_crashes_total", core->finished[OUTCOME_CRASHED] + core->leases_ended,
            "Handlers that died, and leases that ended without a word.");
    counter(out, "weft_stale_finishes_total", core->stale,
            "Finishes refused because the lease had passed on.");
    counter(out, "weft_late_finishes_total", core->late,
            "Finishes accepted after their lease had ended.");
    counter(out, "weft_expired_total", core->expired,
            "Jobs that were not started within their ttl.");
    counter(out, "weft_retried_total", core->retried, "Dead jobs that were made to live again.");
    counter(out, "weft_resent_outcomes_total", core->resent,
            "Accepted finishes that came from a worker's journal.");
}

static void print_simulations(FILE *out, const struct core_figures *core)
{
    static const char *const names[SIMULATIONS] = {[SIMULATION_OK] = "ok",
                                                   [SIMULATION_FAILED] = "failed",
                                                   [SIMULATION_LATE] = "late",
                                                   [SIMULATION_GONE] = "gone",
                                                   [SIMULATION_BUSY] = "busy"};
    head(out, "weft_simulations_total", "counter",
         "Dry runs that a worker offers to simulate, by what came of it.");
    for (unsigned verdict = SIMULATION_OK; verdict < SIMULATIONS; verdict++)
        (void)fprintf(out, "weft_simulations_total{verdict=\"%s\"} %llu\n", names[verdict],
                      (unsigned long long)core->simulated[verdict]);
}

static void print_schedules(FILE *out, const struct core_figures *core, uint64_t deferred)
{
    static const char *const names[] = {
        [MOMENT_FIRED] = "fired", [MOMENT_HELD] = "held", [MOMENT_SKIPPED] = "skipped"};
    gauge(out, "weft_schedules", core->schedule_count, "Schedules, paused ones too.");
    head(out, "weft_moments_total", "counter", "Decided moments of schedules by verdict.");
    for (int verdict = MOMENT_FIRED; verdict <= MOMENT_SKIPPED; verdict++)
        (void)fprintf(out, "weft_moments_total{verdict=\"%s\"} %llu\n", names[verdict],
                      (unsigned long long)core->moments[verdict]);
    counter(out, "weft_moments_deferred_total", deferred,
            "Times that a moment of a schedule found no room for its job.");
}

static void print_webhooks(FILE *out, const struct core_figures *core)
{
    gauge(out, "weft_webhook_endpoints", core->endpoint_count,
          "Webhook endpoints of all tenants, disabled ones too.");
    counter(out, "weft_webhook_deliveries_total", core->deliveries,
            "Deliveries of webhooks accepted, one for each end and each that is told.");
    head(out, "weft_webhook_progress_total", "counter",
         "Deliveries of progress, accepted or left out for want of room.");
    (void)fprintf(out, "weft_webhook_progress_total{outcome=\"accepted\"} %llu\n",
                  (unsigned long long)core->progress_deliveries);
    (void)fprintf(out, "weft_webhook_progress_total{outcome=\"left_out\"} %llu\n",
                  (unsigned long long)core->progress_left_out);
}

static void print_operations(FILE *out, const struct core_figures *core)
{
    gauge(out, "weft_operations_running", core->operation_running, "Acts on many jobs that go on.");
    head(out, "weft_operated_total", "counter", "Jobs that acts on many have met.");
    (void)fprintf(out, "weft_operated_total{verdict=\"done\"} %llu\n",
                  (unsigned long long)core->operated[1]);
    (void)fprintf(out, "weft_operated_total{verdict=\"refused\"} %llu\n",
                  (unsigned long long)core->operated[0]);
}

// What was accepted must be in some state: the law of conservation.
static double conservation_difference(const struct ledger_row *ledger)
{
    uint64_t sum = 0;
    for (int state = JOB_SCHEDULED; state < JOB_STATES; state++)
        sum += ledger->counts[state];
    return (double)(int64_t)(ledger->accepted - sum);
}

static double oldest_seconds(const struct metrics_sample *sample, when_ms mono)
{
    if (sample->core.oldest_due_at == WHEN_NEVER)
        return 0;
    when_ms store = sample->now.store + (mono - sample->now.mono);
    when_ms age = store - sample->core.oldest_due_at;
    return age > 0 ? (double)age / 1000 : 0;
}

static void print_work(FILE *out, const struct metrics_sample *sample, when_ms mono)
{
    const struct core_figures *core = &sample->core;
    gauge(out, "weft_oldest_waiting_seconds", oldest_seconds(sample, mono),
          "How long the oldest ready job has been waiting.");
    counter(out, "weft_submitted_total", core->submitted, "Jobs accepted since the start.");
    counter(out, "weft_replayed_total", core->replayed,
            "Submissions recognised as repeated and answered with the first job.");
    counter(out, "weft_refused_total", core->refused, "Submissions refused.");
    counter(out, "weft_granted_total", core->granted, "Jobs leased to workers.");
    counter(out, "weft_leases_ended_total", core->leases_ended,
            "Leases that ended without a word from their worker.");
    gauge(out, "weft_leases", core->lease_count, "Jobs handed out and not yet answered for.");
    gauge(out, "weft_keys", core->key_count, "Idempotency keys inside their window.");
    gauge(out, "weft_concurrency_keys", core->concurrency_key_count,
          "Concurrency keys of unfinished jobs.");
    gauge(out, "weft_unique_keys", core->unique_count, "Unique keys that jobs hold.");
    gauge(out, "weft_dependencies", core->dependency_count,
          "Pairs of an unfinished job and one that it waits or waited for.");
    gauge(out, "weft_epoch", core->ledger.epoch, "Starts of this store's broker.");
    gauge(out, "weft_conservation_difference", conservation_difference(&core->ledger),
          "Accepted jobs that are in no state; must be 0.");
}

static void print_doors(FILE *out, const struct metrics_sample *sample)
{
    gauge(out, "weft_workers", sample->core.worker_count, "Connected workers.");
    gauge(out, "weft_peers", sample->peer_count, "Connected peers, workers included.");
    gauge(out, "weft_watches", sample->watch_count, "Questions that wait for a change.");
    gauge(out, "weft_event_watches", sample->event_watch_count, "Questions that wait for events.");
    counter(out, "weft_events_told_total", sample->counters.events_told,
            "Events told to those who watch.");
    counter(out, "weft_event_gaps_total", sample->counters.event_gaps,
            "Watches that were told of a gap instead.");
    counter(out, "weft_answers_dropped_total", sample->counters.answers_dropped,
            "Answers to peers that had gone or did not take them.");
    counter(out, "weft_messages_refused_total", sample->counters.messages_refused,
            "Messages answered with an error before any job was looked at.");
    counter(out, "weft_jobs_sent_total", sample->counters.jobs_sent, "Jobs sent to workers.");
    counter(out, "weft_keys_refused_total", sample->counters.keys_refused,
            "Connections refused because their key is not allowed.");
    counter(out, "weft_peers_cut_total", sample->counters.peers_cut,
            "Connections ended by force: their key was revoked, or they misbehaved.");
    counter(out, "weft_quota_refused_total", sample->counters.quota_refused,
            "Messages refused because the quota of their key's tenant was used up.");
    counter(out, "weft_tail_dropped_total", sample->counters.tail_dropped,
            "Published transitions that were not taken.");
}

static void print_store(FILE *out, const struct metrics_sample *sample)
{
    const struct store_figures *store = &sample->store;
    counter(out, "weft_commits_total", store->commit_count, "Flushed transactions.");
    counter(out, "weft_store_writes_total", store->write_count, "Rows written.");
    counter(out, "weft_store_violations_total", store->violations,
            "Commits whose rows disagreed with the counts; must be 0.");
    counter(out, "weft_store_damaged_total", store->damaged,
            "Records that failed their checksum; must be 0.");
    gauge(out, "weft_store_used_bytes", (double)store->used_bytes, "Bytes of the store in use.");
    gauge(out, "weft_store_file_bytes", (double)store->file_bytes, "Size of the store's file.");
    gauge(out, "weft_store_short", sample->is_short ? 1 : 0,
          "1 while new jobs are refused because the disk is nearly full.");
    gauge(out, "weft_store_map_bytes", (double)store->map_bytes, "Size of the store's map.");
    print_histogram(out, "weft_commit_seconds", &sample->commit_seconds,
                    "Duration of a flushed transaction.");
    print_histogram(out, "weft_commit_jobs", &sample->commit_jobs,
                    "Jobs changed by one flushed transaction.");
}

static void print_audit(FILE *out, const struct auditor_figures *audited)
{
    head(out, "weft_audit_violations_total", "counter",
         "What the auditor has found wrong, in all rounds; must be 0.");
    for (unsigned kind = 1; kind < VIOLATION_COUNT; kind++)
        (void)fprintf(out, "weft_audit_violations_total{kind=\"%s\"} %llu\n",
                      violation_slug((enum violation)kind),
                      (unsigned long long)audited->violations[kind]);
    counter(out, "weft_audit_rounds_total", audited->round_count, "Whole rounds of the auditor.");
    gauge(out, "weft_audit_last_round_seconds", audited->round_seconds,
          "How long the last whole round took, rests included.");
    gauge(out, "weft_audit_last_round_jobs", (double)audited->row_count,
          "Job records that it looked at.");
    gauge(out, "weft_audit_last_round_timestamp_seconds", (double)audited->ended_at / 1000,
          "When it ended, Unix time; 0 when there was none.");
    head(out, "weft_audit_cpu_seconds_total", "counter", "Processor time of the auditor.");
    (void)fprintf(out, "weft_audit_cpu_seconds_total %.6f\n", audited->cpu_seconds);
}

static double resident_bytes(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm == NULL)
        return 0;
    char line[128] = "";
    if (fgets(line, sizeof line, statm) == NULL)
        line[0] = '\0';
    (void)fclose(statm); // was only read
    char *second = strchr(line, ' ');
    long pages = second == NULL ? 0 : strtol(second, NULL, 10);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void)
{
    DIR *listing = opendir("/proc/self/fd");
    if (listing == NULL)
        return 0;
    double count = 0;
    while (readdir(listing) != NULL)
        count++;
    (void)closedir(listing); // was only read
    return count - 3;        // ".", "..", and the listing itself
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void print_process(FILE *out, when_ms started_at)
{
    struct rusage usage;
    struct rlimit files;
    gauge(out, "process_start_time_seconds", (double)started_at / 1000, "Start, Unix time.");
    gauge(out, "process_resident_memory_bytes", resident_bytes(), "Resident memory.");
    gauge(out, "process_open_fds", open_descriptors(), "Open file descriptors.");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        gauge(out, "process_max_fds", (double)files.rlim_cur, "Most open file descriptors.");
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        head(out, "process_cpu_seconds_total", "counter", "User and system time.");
        (void)fprintf(out, "process_cpu_seconds_total %.6f\n",
                      seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    }
}

bool metrics_print(const struct metrics_sample *sample, const struct metrics_lists *lists,
                   when_ms mono, struct slice *out_text)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return false;
    print_states(out, &sample->core.ledger);
    print_lanes(out, lists->lanes, sample->lane_count);
    print_queues(out, lists->queues, sample->queue_count);
    print_tenants(out, lists->queues, sample->queue_count);
    print_work(out, sample, mono);
    print_finishes(out, &sample->core);
    print_schedules(out, &sample->core, sample->counters.moments_deferred);
    print_webhooks(out, &sample->core);
    print_simulations(out, &sample->core);
    print_operations(out, &sample->core);
    print_doors(out, sample);
    print_store(out, sample);
    print_audit(out, &sample->audited);
    print_process(out, sample->started_at);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return false;
    }
    *out_text = slice_of(text, len);
    return true;
}
