#pragma once

// Situations that a run must reach; watch_seen() counts them.
#define SIM_SITUATIONS(X)                                                                          \
    X(SEEN_REPLAY, "a known job was submitted again")                                              \
    X(SEEN_REPLAY_UNSETTLED, "… while its first batch was not settled")                            \
    X(SEEN_REPLAY_STORED, "… after it had left memory")                                            \
    X(SEEN_REPLAY_TOMBSTONE, "… after retention had removed it")                                   \
    X(SEEN_KEY_REUSED, "a key came with another body")                                             \
    X(SEEN_KEY_AGAIN, "a key was used again after its window")                                     \
    X(SEEN_ID_TOO_OLD, "an unkeyed id was too old")                                                \
    X(SEEN_SPOOLED_OLD, "an old id came from a spool")                                             \
    X(SEEN_SCHEMA, "a payload broke the schema of its type")                                       \
    X(SEEN_SCHEMA_REPLAY, "… that came with a job already known")                                  \
    X(SEEN_SCHEMA_LOADED, "a type had a schema at a start")                                        \
    X(SEEN_DRY_RUN, "a dry run told that a job would be accepted")                                 \
    X(SEEN_DRY_REFUSED, "… or that it would not")                                                  \
    X(SEEN_DRY_REPLAY, "… or that it is known")                                                    \
    X(SEEN_DRY_MANY, "a dry run of several jobs")                                                  \
    X(SEEN_SIMULATED, "a worker said what would become of a dry run")                              \
    X(SEEN_SIMULATED_LATE, "… or did not in time")                                                 \
    X(SEEN_SIMULATED_GONE, "… or had left")                                                        \
    X(SEEN_SIMULATED_BUSY, "… or nobody had room")                                                 \
    X(SEEN_SIMULATED_ODD, "a worker answered what it was not asked")                               \
    X(SEEN_FULL_JOBS, "the table of jobs was full")                                                \
    X(SEEN_FULL_LANES, "the table of lanes was full")                                              \
    X(SEEN_FULL_POLICIES, "the table of policies was full")                                        \
    X(SEEN_SUBMIT_GRANT, "a job was accepted and granted in one batch")                            \
    X(SEEN_LEASE_PASSED, "a lease passed")                                                         \
    X(SEEN_LATE_FINISH, "a finish came after its lease and was accepted")                          \
    X(SEEN_STALE_FINISH, "a finish with an old token was refused")                                 \
    X(SEEN_FINISH_TWICE, "a finish came twice")                                                    \
    X(SEEN_FINISH_OTHERWISE, "… with another outcome")                                             \
    X(SEEN_FINISH_STORED, "… after its job had left memory")                                       \
    X(SEEN_NEW_SESSION, "a worker came back in a new session")                                     \
    X(SEEN_BYE_RETURNED, "a worker left and gave back what it had not begun")                      \
    X(SEEN_BYE_KEPT, "… and kept what it named")                                                   \
    X(SEEN_LOST, "a worker was told that a lease is lost")                                         \
    X(SEEN_DEAD_ATTEMPTS, "a job died of its attempts")                                            \
    X(SEEN_DEAD_CRASHES, "a job died of its crashes")                                              \
    X(SEEN_INTERRUPTED, "an interruption burnt nothing")                                           \
    X(SEEN_SNOOZED, "a handler snoozed")                                                           \
    X(SEEN_CRASH_LOST, "a crash lost a batch")                                                     \
    X(SEEN_CRASH_SILENT, "a crash between commit and answer")                                      \
    X(SEEN_CRASH_TWO, "a crash with two batches in flight")                                        \
    X(SEEN_TOMBSTONE, "retention left a tombstone")                                                \
    X(SEEN_FORGOTTEN, "a tombstone was forgotten")                                                 \
    X(SEEN_NO_CREDIT, "a job waited for credit")                                                   \
    X(SEEN_NO_WORKER, "a job waited for a worker")                                                 \
    X(SEEN_STALLED, "a job's bytes did not fit")                                                   \
    X(SEEN_UNKNOWN_PEER, "a peer had to say HELLO again")                                          \
    X(SEEN_CLOCK_JUMP, "store time jumped ahead")                                                  \
    X(SEEN_UNSENT, "a job could not be handed to its worker")                                      \
    X(SEEN_PROGRESS, "progress was stored")                                                        \
    X(SEEN_LOG, "lines of a log were stored")                                                      \
    X(SEEN_LOG_FINISH, "… that came with a finish")                                                \
    X(SEEN_LOG_ATTEMPTS, "… of a second attempt")                                                  \
    X(SEEN_EVENTS, "a job had several events")                                                     \
    X(SEEN_BATCH_OVER, "a batch was over")                                                         \
    X(SEEN_BATCH_SEALED, "a batch was sealed")                                                     \
    X(SEEN_BATCH_SEALED_LATE, "… because nobody had done it in time")                              \
    X(SEEN_BATCH_OPENED, "… and opened by a new member")                                           \
    X(SEEN_BATCH_FINISHED, "a batch finished")                                                     \
    X(SEEN_BATCH_ENDED_AGAIN, "… and its members ended once more")                                 \
    X(SEEN_BATCH_TWIN, "two tenants had batches with one id")                                      \
    X(SEEN_BATCH_OTHER, "another body came under a batch's id")                                    \
    X(SEEN_BATCH_RESTS, "… when only the id was left of it")                                       \
    X(SEEN_BATCH_FREE, "… and it was given up when its time was over")                             \
    X(SEEN_BATCH_AWAITED, "a job waited for a batch")                                              \
    X(SEEN_ATOMIC, "several jobs were accepted in one step")                                       \
    X(SEEN_ATOMIC_REFUSED, "… or none, for one was refused")                                       \
    X(SEEN_CANCEL_WAITING, "a waiting job was cancelled")                                          \
    X(SEEN_CANCEL_ASKED, "a running job's cancel was asked for")                                   \
    X(SEEN_CANCEL_ACKNOWLEDGED, "… and acknowledged by its handler")                               \
    X(SEEN_CANCEL_FORCED, "… and forced by its lease's end")                                       \
    X(SEEN_ACT_CONFLICT, "an act came when the job's state did not allow it")                      \
    X(SEEN_EXPIRED, "a job was not started within its ttl")                                        \
    X(SEEN_RETRIED, "a dead job was made to live again")                                           \
    X(SEEN_RETRIED_TWICE, "… and the same act came again")                                         \
    X(SEEN_RETRY_FULL, "… and there was no room for it")                                           \
    X(SEEN_RUN_NOW, "a job was run before its time")                                               \
    X(SEEN_RUN_NOW_TWICE, "… and the same act came again")                                         \
    X(SEEN_LANE_DROPPED, "a lane without rows was dropped")                                        \
    X(SEEN_QUEUE_DROPPED, "… and its queue, which had no other")                                   \
    X(SEEN_DELETED, "an ended job was removed on request")                                         \
    X(SEEN_STRANGE_ID, "an id of another tenant was submitted")                                    \
    X(SEEN_STRANGE_ACT, "… and acted on")                                                          \
    X(SEEN_DRAINED, "a worker was told to go quiet or to stop")                                    \
    X(SEEN_WORKERS_LISTED, "workers were listed")                                                  \
    X(SEEN_WORKER_AWAY, "… also one that was away and had jobs still")                             \
    X(SEEN_DEADLINE, "an attempt passed its deadline at a living worker")                          \
    X(SEEN_EXTENDED, "a handler asked for time")                                                   \
    X(SEEN_LATE_RETRYING, "a finish came after its deadline and was accepted")                     \
    X(SEEN_DEAD_WITHIN, "a job died because its retries would come too late")                      \
    X(SEEN_QUEUE_SET, "a queue was set")                                                           \
    X(SEEN_QUEUE_CHANGED, "… in some of its settings, and the others stayed")                      \
    X(SEEN_QUEUE_DEFAULT, "… and a job got its default")                                           \
    X(SEEN_TYPE_CHANGED, "a type was set in some of what is set for it")                           \
    X(SEEN_TYPE_DEFAULT, "a job got the default of its type")                                      \
    X(SEEN_QUEUE_FULL, "a queue had as many unfinished jobs as it may")                            \
    X(SEEN_QUOTA, "a tenant had as many unfinished jobs as its quota")                             \
    X(SEEN_QUOTA_REFUSED, "… and was refused for it")                                              \
    X(SEEN_QUEUE_PAUSED, "a queue was paused")                                                     \
    X(SEEN_QUEUE_RESUMED, "… and resumed")                                                         \
    X(SEEN_QUEUE_REFUSED, "a job came to a queue that was paused")                                 \
    X(SEEN_QUEUE_BUSY, "a queued job waited for others of its queue")                              \
    X(SEEN_RATE_LIMITED, "a queued job waited for a rate")                                         \
    X(SEEN_OVERTAKEN, "a job was overtaken by a more urgent one that came later")                  \
    X(SEEN_AGED, "… and another by a less urgent one that was older")                              \
    X(SEEN_TURNS, "queues of different weights took turns")                                        \
    X(SEEN_TENANT_TURNS, "tenants took turns")                                                     \
    X(SEEN_KEY_BUSY, "a queued job waited for others of its key")                                  \
    X(SEEN_LINE_BLOCKED, "a job that waits for a retry blocked its line")                          \
    X(SEEN_FULL_KEYS, "the table of concurrency keys was full")                                    \
    X(SEEN_UNIQUE_HELD, "a unique key was held by another job")                                    \
    X(SEEN_UNIQUE_ENDED, "a unique key was free after its holder's end")                           \
    X(SEEN_UNIQUE_PASSED, "a unique key was free after its time")                                  \
    X(SEEN_RETRY_LATE, "a retry was repeated after an act on many")                                \
    X(SEEN_UNIQUE_RETAKEN, "a retried job took its unique key again")                              \
    X(SEEN_UNIQUE_RESUMED, "a retried job still held its unique key")                              \
    X(SEEN_UNIQUE_RETRY_HELD, "a retry was refused for a unique key")                              \
    X(SEEN_UNIQUE_FULL, "the table of unique keys was full")                                       \
    X(SEEN_MOMENT, "a moment of a schedule made a job")                                            \
    X(SEEN_MOMENT_CAUGHT_UP, "… after others that had been missed")                                \
    X(SEEN_MOMENT_DROPPED, "… others were missed and not made up for")                             \
    X(SEEN_MOMENT_SKIPPED, "a moment was skipped, for the job before ran still")                   \
    X(SEEN_MOMENT_HELD, "a moment waited for the end of the job before")                           \
    X(SEEN_MOMENT_REPLACED, "a moment's job took the place of one that waited")                    \
    X(SEEN_MOMENT_REPLACED_RUNNING, "… of one that ran")                                           \
    X(SEEN_MOMENT_TWICE, "a moment was proposed twice")                                            \
    X(SEEN_MOMENT_FULL, "a moment found the table of jobs full")                                   \
    X(SEEN_SCHEDULE_PAUSED, "a schedule was paused")                                               \
    X(SEEN_SCHEDULE_DELETED, "a schedule was deleted")                                             \
    X(SEEN_OPERATION, "an act on many began")                                                      \
    X(SEEN_OPERATION_OVER, "… and was over, having changed some")                                  \
    X(SEEN_OPERATION_TAG, "… of jobs with a tag")                                                  \
    X(SEEN_OPERATION_REFUSED, "… and met jobs that it could not change")                           \
    X(SEEN_OPERATION_RESUMED, "… and went on after a start")                                       \
    X(SEEN_OPERATION_FULL, "the table of acts on many was full")                                   \
    X(SEEN_OPERATION_DROPPED, "… and one that was long over gave its place")                       \
    X(SEEN_OPERATION_RATE, "… with a rate, and was over")                                          \
    X(SEEN_OPERATION_RESTS, "… and rested, as nothing else was to be done")                        \
    X(SEEN_OPERATION_CUT, "… and was offered more jobs than it may meet")                          \
    X(SEEN_OPERATION_STOOD, "… and had met none for longer than a second")                         \
    X(SEEN_OPERATION_CANCELLED, "… and was cancelled on its way")                                  \
    X(SEEN_OPERATION_DISARMED, "… when its next jobs had been looked for")                         \
    X(SEEN_OPERATION_STAYED, "… and a start left it so")                                           \
    X(SEEN_OPERATION_TOO_LATE, "an act on many was cancelled that was over")                       \
    X(SEEN_STEP_TWICE, "a step of an act on many was proposed twice")                              \
    X(SEEN_CHILD_WAITS, "a job waited for others")                                                 \
    X(SEEN_CHILD_STARTED, "… and started after them")                                              \
    X(SEEN_CHILD_CANCELLED, "… and was cancelled because one of them failed")                      \
    X(SEEN_CHILD_RAN, "… and ran although one of them failed")                                     \
    X(SEEN_ENDPOINT_ROTATED, "the secret of an endpoint was replaced")                             \
    X(SEEN_ENDPOINT_GONE, "an endpoint was off since its url was gone")                            \
    X(SEEN_ENDPOINT_DELETED, "an endpoint was deleted")                                            \
    X(SEEN_ENDPOINT_LOADED, "an endpoint was off at a start")                                      \
    X(SEEN_ENDPOINT_MOVED, "an endpoint got another url while deliveries waited")                  \
    X(SEEN_HOOK_TOLD, "an end was told")                                                           \
    X(SEEN_HOOK_ENDPOINT, "… to an endpoint that wanted it")                                       \
    X(SEEN_HOOK_NAMED, "… to the one that the job names")                                          \
    X(SEEN_HOOK_ONCE, "… which wanted it by itself, too")                                          \
    X(SEEN_HOOK_OFF, "… and one that wanted it was off")                                           \
    X(SEEN_HOOK_GONE, "… or had gone")                                                             \
    X(SEEN_HOOK_NOBODY, "a job named an endpoint that was not set")                                \
    X(SEEN_HOOK_BATCH, "a batch was to be told of")                                                \
    X(SEEN_HOOK_BATCH_ENDPOINT, "… to an endpoint that wanted it")                                 \
    X(SEEN_PROGRESS_TOLD, "progress was told")                                                     \
    X(SEEN_PROGRESS_COALESCED, "… and more was said before that had ended")                        \
    X(SEEN_PROGRESS_AGAIN, "… and told next")                                                      \
    X(SEEN_PROGRESS_ROUND, "… in a round that was to come")                                        \
    X(SEEN_URL_GONE, "a job's own url wanted no more progress")                                    \
    X(SEEN_PROGRESS_STOPPED, "what told of progress was cancelled by the end")                     \
    X(SEEN_PROGRESS_LEFT_OUT, "progress was left out")                                             \
    X(SEEN_PROGRESS_LOADED, "progress was being told at a start")                                  \
    X(SEEN_PARENT_UNKNOWN, "a job to wait for was not known")                                      \
    X(SEEN_PARENT_KEPT, "retention waited for a job's children")                                   \
    X(SEEN_PARENT_KEPT_AGAIN, "… and a parent stayed for a second life")

#define SIM_ENUM(name, text) name,
enum sim_situation { SIM_SITUATIONS(SIM_ENUM) SEEN_COUNT };
#undef SIM_ENUM
