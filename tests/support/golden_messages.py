#!/usr/bin/env python3
"""Prints tests/unit/proto/golden.h: the samples of tests/support/messages.c as Google's protobuf packs them.

An implementation that is not ours, reading the contract that outsiders read, says what the bytes are.
  tests/support/golden_messages.py > tests/unit/proto/golden.h
  tests/support/golden_messages.py --corpus tests/fuzz/corpus/wire
"""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def contract():
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(["protoc", f"--python_out={made}", "--proto_path", os.path.join(ROOT, "proto"), "weft.proto"],
                       check=True)
        sys.path.insert(0, made)
        import weft_pb2
        return weft_pb2


w = contract()


def an_id(n):
    return bytes([n]) + bytes(range(1, 16))


HELDS = [w.Held(job_id=an_id(0xa1), token=0x0102030405060708), w.Held(job_id=an_id(0xa2), token=2)]


LINES = [w.LogLine(job_id=an_id(0xe2), token=4101, seq=4102, at_ms=4103, text="row 3 is odd"),
         w.LogLine(job_id=an_id(0xe3), token=4104)]


LABELS = w.Labels(tags=["billing"], metadata={"k": "v"})


class Block:
    """Bodies one after the other, and their parts."""

    def __init__(self):
        self.bytes = b""

    def part(self, content, body):
        self.bytes += body
        return w.Part(offset=len(self.bytes) - len(body), length=len(body), content=content)


def samples():
    b = Block()
    yield "hello", b, dict(hello=w.Hello(role=w.ROLE_WORKER, name="w1", worker_id=an_id(0x11), session=7001, running=HELDS))
    yield "welcome", b, dict(welcome=w.Welcome(
        broker="weft 0.1.0", lineage=7101, epoch=7102, lease_ms=7103, renew_ms=7104, message_bytes_max=7105,
        jobs_per_message_max=7106, lost=HELDS[:1]))
    b = Block()
    yield "submit", b, dict(submit=w.Submit(jobs=[
        w.SubmitJob(job_id=an_id(0xb1), key="order-1001", queue="mail", type="send",
                    payload=b.part(w.CONTENT_JSON, b'{"to":1}'), priority=0, delay_ms=1001, run_at_ms=1002,
                    timeout_ms=1003, max_attempts=1004, max_crashes=1005, retry_first_ms=1006, retry_longest_ms=1007,
                    retry_factor_milli=1008, keep_s=1009, batch_id=an_id(0xb2), batch_index=1010,
                    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ttl_ms=1011, retry_within_s=1012, unique_key="inv-7",
                    unique_for_s=1011, unique_while_unfinished=True, after=[an_id(0xa3), an_id(0xa4)],
                    on_dependency_failure=w.ON_FAILURE_RUN, concurrency_key="tenant-42", cost=8301,
                    order=w.ORDER_FIFO_SKIP, labels=LABELS,
                    webhook=w.Webhook(url="https://a.test/", endpoint="ops", events=1 << w.STATE_SUCCEEDED | 1 << w.STATE_DEAD),
                    batch_webhook=w.Webhook(url="https://b.test/", secret=b"\3"), batch_fingerprint=0x8102030405060708),
        w.SubmitJob(job_id=an_id(0xb3), type="resize")], atomic=True, dry_run=True, tenant_open_max=1012, spooled=True))
    b = Block()
    yield "submitted", b, dict(submitted=w.Submitted(jobs=[
        w.SubmittedJob(job_id=an_id(0xc1), error=4, replayed=True, state=w.STATE_RUNNING, created_at_ms=2001,
                       dedup_until_ms=2002, retry_after_ms=2003, detail="job_count_max is reached",
                       holder_id=an_id(0xc3), violations='[{"path":"/a"}]'),
        w.SubmittedJob(job_id=an_id(0xc2), state=w.STATE_QUEUED)],
        forecasts=[w.Forecast(due_at_ms=2011, waiting_on=w.WAITING_NO_WORKER, ahead=2012, paused=w.DIRECTION_OUT,
                              open_left=2013, timeout_ms=2014, max_attempts=2015, max_crashes=2016,
                              retry_first_ms=2017, retry_longest_ms=2018, retry_factor_milli=2019,
                              retry_within_s=2020, keep_s=2021, quota_left=2022, starts_at_ms=2023,
                              simulation=w.SIMULATION_FAILED, simulated=b.part(w.CONTENT_JSON, b'{"would":1}'),
                              failure=w.Worked(kind="no-row", message="there is no row 7", detail="tail\n"))], open_max=2004, open_left=2005))
    b = Block()
    yield "ready", b, dict(ready=w.Ready(types=["send", "resize"], queues=["mail"], slots=7201, slot_bytes=7202, quiet=True,
                                         simulates=["resize"], simulation_slots=7203))
    yield "jobs", b, dict(jobs=w.Jobs(jobs=[
        w.Job(job_id=an_id(0xd1), token=3001, type="send", queue="mail", attempt=3002, timeout_ms=3003,
              payload=b.part(w.CONTENT_MSGPACK, b"\x81\x01\x02"), traceparent="00-1-2-3", generation=3004, log_count=3006,
              after=[an_id(0xa3)], labels=LABELS, intent=w.Intent(generation=7, event="job.dead", endpoint="ops")),
        w.Job(job_id=an_id(0xd2), token=3005, payload=b.part(w.CONTENT_BYTES, b"\0\1\2"))]))
    b = Block()
    yield "renew", b, dict(renew=w.Renew(running=HELDS, progress=[
        w.Progress(job_id=an_id(0xe1), token=4001, done=4002, total=4003, text="row 3 of 7", extend_ms=4004)], log=LINES))
    yield "renewed", b, dict(renewed=w.Renewed(lost=HELDS, cancel=HELDS[1:], drain=w.DRAIN_QUIET))
    yield "finish", b, dict(finish=w.Finish(jobs=[
        w.FinishJob(job_id=an_id(0xf1), token=5001, outcome=w.OUTCOME_FAILED, result=b.part(w.CONTENT_TEXT, b"half"),
                    error_kind="exit", error_message="status 3", error_detail="no such file\n", retry_after_ms=5002,
                    resent=True, progress_done=5004, progress_total=5005, progress_text="row 4 of 7"),
        w.FinishJob(job_id=an_id(0xf2), token=5003, outcome=w.OUTCOME_SUCCEEDED)], log=LINES[:1]))
    b = Block()
    yield "finished", b, dict(finished=w.Finished(jobs=[
        w.FinishedJob(job_id=an_id(0xf3), token=6001, error=3), w.FinishedJob(job_id=an_id(0xf4), token=6002)]))
    yield "status", b, dict(status=w.Status(job_id=an_id(0x21), wait_ms=7301, version=7302))
    yield "status_is", b, dict(status_is=w.StatusIs(
        error=7, job_id=an_id(0x22), type="send", queue="mail", state=w.STATE_DEAD, version=7401, priority=7402,
        attempt=7403, errors=7404, crashes=7405, interruptions=7406, created_at_ms=7407, due_at_ms=7408,
        started_at_ms=7409, ended_at_ms=7410, expires_at_ms=7411, dedup_until_ms=7412,
        result=b.part(w.CONTENT_JSON, b"null"),
        failure=w.Worked(kind="exit", message="status 65", detail="bad input\n"), batch_id=an_id(0x23),
        progress_done=7413, progress_total=7414, progress_text="caf\u00e9", waiting_on=w.WAITING_NO_CREDIT,
        cancel=w.CANCEL_FORCED, unique_key="inv-8", labels=LABELS, start_before_ms=7415,
        batch_index=7416, deadline_at_ms=7417, worker_id=an_id(0x29),
        after=[an_id(0xa3), an_id(0xa4)], on_dependency_failure=w.ON_FAILURE_CANCEL, concurrency_key="tenant-43", cost=8302,
        order=w.ORDER_FIFO))
    b = Block()
    yield "batch_status", b, dict(batch_status=w.BatchStatus(batch_id=an_id(0x24), wait_ms=7501, version=7502))
    yield "batch_status_is", b, dict(batch_status_is=w.BatchStatusIs(
        error=6, batch_id=an_id(0x25), created_at_ms=7601, version=7602, counts=[0, 1, 2, 300, 4, 5, 6, 7, 8, 9],
        finished_at_ms=7603, is_sealed=True))
    yield "batch_seal", b, dict(batch_seal=w.BatchSeal(batch_id=an_id(0x26)))
    yield "error", b, dict(error=w.Error(error=13, detail="WEFT/9 is not spoken here", versions=["WEFT/1"], retry_after_ms=1500))
    yield "bye", b, dict(bye=w.Bye(reason="drained", running=HELDS, is_all=True))
    yield "act", b, dict(act=w.Act(kind=w.ACT_CANCEL, job_id=an_id(0x26), worker_id=an_id(0x28), actor="cli", act_id=an_id(0x27),
                                 queue="mail", direction=w.DIRECTION_OUT))
    yield "acted", b, dict(acted=w.Acted(
        error=26, detail="the job has ended", state=w.STATE_SUCCEEDED, version=7701, cancel=w.CANCEL_REQUESTED,
        drain=w.DRAIN_STOP, paused=w.DIRECTION_IN, holder_id=an_id(0x29)))
    given = dict(schedule_id="nightly", cron="0 3 * * *", zone="Europe/Berlin", overlap=w.OVERLAP_QUEUE,
                 catch_up=w.CATCH_UP_ALL, jitter_ms=7704, paused=True)
    state = dict(generation=7705, created_at_ms=7706, since_at_ms=7707, last_at_ms=7708, held_at_ms=7709,
                 last_job_id=an_id(0x31), fired=7710, skipped=7711)
    for name in ("schedule_set", "schedule_status", "schedule_status_is", "schedule_list", "schedule_listed"):
        b = Block()
        if name in ("schedule_set", "schedule_status_is"):
            jobs = [w.SubmitJob(queue="mail", type="report", payload=b.part(w.CONTENT_JSON, b"[1]"), priority=3,
                                max_attempts=7701)]
        if name == "schedule_set":
            message = w.ScheduleSet(act=w.SCHEDULE_PAUSE, jobs=jobs, dry_run=True, next_count=7713, **given)
        elif name == "schedule_status":
            message = w.ScheduleStatus(schedule_id="nightly", next_count=7714)
        elif name == "schedule_status_is":
            message = w.ScheduleStatusIs(error=4, detail="schedule_count_max", jobs=jobs, violations='[{"path":"/b"}]',
                                         next=[w.Moment(at_ms=7702), w.Moment(at_ms=7703)], **given, **state)
        elif name == "schedule_list":
            message = w.ScheduleList(after="nightly", limit=7715)
        else:
            message = w.ScheduleListed(error=1, detail="later", is_more=True, schedules=[
                w.ScheduleLine(queue="mail", type="report", next_at_ms=7712, **given, **state)])
        yield name, b, {name: message}
    yield "worker_list", b, dict(worker_list=w.WorkerList(cursor=7716, limit=7717))
    yield "worker_listed", b, dict(worker_listed=w.WorkerListed(cursor=7718, workers=[
        w.WorkerLine(worker_id=an_id(0x27), name="w1", types="resize,send", queues="mail", slots=7719, running=7720,
                     connected=True, quiet=True, drain=w.DRAIN_STOP, since_at_ms=7721)]))
    those = dict(states=1 << w.STATE_DEAD, queue="mail", type="send", created_after_ms=7801, created_before_ms=7802,
                 batch_id=an_id(0x2f), tag="billing")
    yield "list", b, dict(list=w.List(limit=7803, cursor=7804, told_of=an_id(0x33), told_of_batch=True, **those))
    yield "listed", b, dict(listed=w.Listed(error=4, cursor=7901, jobs=[w.ListedJob(
        job_id=an_id(0x28), type="send", queue="mail", state=w.STATE_DEAD, version=7902, priority=7903, errors=7904,
        crashes=7905, interruptions=7906, created_at_ms=7907, due_at_ms=7908, started_at_ms=7909, ended_at_ms=7910, batch_index=7911)]))
    settings = dict(weight=8001, open_max=8002, timeout_ms=8003, max_attempts=8004, max_crashes=8005, retry_first_ms=8006,
                    retry_longest_ms=8007, retry_factor_milli=8008, retry_within_s=8009, keep_s=8010,
                    running_max=8011, key_running_max=8012, rate_count=8013, rate_per_ms=8014, key_rate_count=8015,
                    key_rate_per_ms=8016)
    yield "queue_set", b, dict(queue_set=w.QueueSet(queue="mail", named=8017, **settings))
    yield "queue_status", b, dict(queue_status=w.QueueStatus(queue="mail", after="log", limit=8101))
    yield "queue_status_is", b, dict(queue_status_is=w.QueueStatusIs(
        error=4, detail="queue_count_max", is_more=True, queues=[
            w.Queue(queue="mail", scheduled=8201, queued=8202, running=8203, retrying=8204, succeeded=8205, dead=8206,
                    cancelled=8207, expired=8208, removed=8209, paused=w.DIRECTION_BOTH, **settings),
            w.Queue(queue="web")]))
    yield "operate", b, dict(operate=w.Operate(
        kind=w.ACT_PURGE, operation_id=an_id(0x2c), actor="ops", dry_run=True, cursor=8001, rate=8011, **those))
    yield "operation", b, dict(operation=w.Operation(operation_id=an_id(0x2d), wait_ms=8002, version=8003))
    yield "operation_is", b, dict(operation_is=w.OperationIs(
        error=6, detail="no such operation", operation_id=an_id(0x2e), kind=w.ACT_RETRY, actor="ops", version=8004,
        matched=8005, done=8006, upto=8007, cursor=8008, is_over=True, created_at_ms=8009, ended_at_ms=8010,
        rate=8012, cancelled_by="boss", **those))
    defaults = {name: value for name, value in settings.items() if name[:3] in ("tim", "max", "ret", "kee")}
    b = Block()
    yield "type_set", b, dict(type_set=w.TypeSet(type="send", named=8302, schema=b.part(w.CONTENT_JSON, b"true"), **defaults))
    b = Block()
    yield "type_status", b, dict(type_status=w.TypeStatus(type="send", after="resize", limit=8301))
    yield "type_status_is", b, dict(type_status_is=w.TypeStatusIs(
        error=4, detail="type_count_max", is_more=True, types=[w.Type(type="send", schema=b.part(w.CONTENT_JSON, b"{}"), **defaults), w.Type(type="test")]))
    b = Block()
    webhook = dict(webhook_id="ops", url="https://a.test/", events=1 << w.STATE_DEAD, types="send,resize", tags="billing",
                   headers="X-Team: ops")
    yield "webhook_set", b, dict(webhook_set=w.WebhookSet(
        act=w.WEBHOOK_ROTATE, secret=b"\1\2", overlap_s=8405, reason="told so", test_id=an_id(0x32), actor="me", **webhook))
    yield "webhook_status", b, dict(webhook_status=w.WebhookStatus(webhook_id="ops", after="a", limit=8406))
    yield "webhook_status_is", b, dict(webhook_status_is=w.WebhookStatusIs(
        error=4, detail="endpoint_count_max", is_more=True, signs=True, webhooks=[
            w.WebhookLine(disabled=True, reason="410", generation=8401, created_at_ms=8402, rotated_at_ms=8403,
                          before_until_ms=8404, **webhook), w.WebhookLine(webhook_id="web")]))
    b = Block()
    yield "operation_list", b, dict(operation_list=w.OperationList(before_ms=7801, before_id=an_id(0x7b), limit=7802))
    yield "operation_listed", b, dict(operation_listed=w.OperationListed(error=6, is_more=True, operations=[
        w.OperationIs(operation_id=an_id(0x7c), matched=7803)]))
    yield "timeline", b, dict(timeline=w.Timeline(job_id=an_id(0x28)))
    yield "timeline_is", b, dict(timeline_is=w.TimelineIs(
        error=7, job_id=an_id(0x29), version=7801, state=w.STATE_RUNNING, dropped=7802, events=[
            w.TimelineEvent(at_ms=7701, event="submit", state=w.STATE_QUEUED, version=1),
            w.TimelineEvent(at_ms=7702, event="fail", state=w.STATE_RETRYING, version=7703, token=7704,
                            worker_id=an_id(0x27), granted_at_ms=7705, due_at_ms=7706, attempt=7707,
                            outcome=w.OUTCOME_FAILED, actor="ops", reason="told so",
                            failure=w.Worked(kind="exit", message="status 1", detail="tail\n"), delivery_id=an_id(0x30))]))
    yield "log", b, dict(log=w.Log(job_id=an_id(0x2a), after=7901))
    yield "log_is", b, dict(log_is=w.LogIs(
        error=6, job_id=an_id(0x2b), version=7902, state=w.STATE_SUCCEEDED, count=7903, lines=LINES))
    b = Block()
    yield "simulate", b, dict(simulate=w.Simulate(jobs=[
        w.Job(job_id=an_id(0xd1), token=3001, type="send", queue="mail", attempt=3002, timeout_ms=3003,
              payload=b.part(w.CONTENT_MSGPACK, b"\x81\x01\x02"), traceparent="00-1-2-3", generation=3004, log_count=3006,
              after=[an_id(0xa3)], labels=LABELS, intent=w.Intent(generation=7, event="job.dead", endpoint="ops"))],
        wait_ms=7204))
    b = Block()
    yield "simulated", b, dict(simulated=w.Simulated(
        ok=True, result=b.part(w.CONTENT_JSON, b'{"would":2}'),
        failure=w.Worked(kind="no-row", message="there is no row 8", detail="end\n")))
    b = Block()
    yield "watch", b, dict(watch=w.Watch(
        lineage=8401, epoch=8402, position=8403, index=8404, limit=8405, wait_ms=8406, states=8407, queue="mail",
        type="send", job_id=an_id(0x2f), all_tenants=True))
    yield "event", b, dict(event=w.Event(
        gap=True, lineage=8501, epoch=8502, position=8503, index=8504, oldest_position=8505, oldest_index=8506, more=True, events=[
            w.JobEvent(position=8601, index=8602, job_id=an_id(0x30), generation=8603, state=w.STATE_RUNNING,
                       version=8604, at_ms=8605, queue="mail", type="send", tenant="acme")]))


def c_bytes(data):
    rows = [data[i:i + 20] for i in range(0, len(data), 20)] or [b""]
    return "\n     ".join('"' + "".join(f"\\x{byte:02x}" for byte in row) + '"' for row in rows)


def packed_samples():
    for name, block, body in samples():
        corr = w.Envelope.DESCRIPTOR.fields_by_name[name].number - 1
        envelope = w.Envelope(corr=0 if name == "jobs" else corr, **body)
        yield name, envelope.SerializeToString(deterministic=True), block.bytes


def write_corpus(folder):
    """Inputs of tests/fuzz/wire_fuzz.c."""
    os.makedirs(folder, exist_ok=True)
    for name, envelope, block in packed_samples():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(len(envelope).to_bytes(2, "little") + envelope + block)


def main():
    if sys.argv[1:2] == ["--corpus"]:
        write_corpus(sys.argv[2])
        return
    print("#pragma once\n\n// Made by tests/support/golden_messages.py with Google's protobuf: the bytes of each sample.\n")
    print("#include \"proto/msg.h\"\n\n#include <stddef.h>\n")
    print("struct golden {\n    const char *envelope;\n    size_t envelope_len;\n    const char *block;\n    size_t block_len;\n};\n")
    print("// clang-format off\n// By enum msg_kind.\nstatic const struct golden goldens[] = {")
    for name, packed, block in packed_samples():
        print(f"    [MSG_{name.upper()}] =\n    {{{c_bytes(packed)},\n     {len(packed)},\n     {c_bytes(block)},\n     {len(block)}}},")
    print("};\n// clang-format on")


if __name__ == "__main__":
    main()
