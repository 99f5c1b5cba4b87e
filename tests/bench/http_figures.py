"""Figures of the HTTP door; wrk is the client. Each part has a broker and a gateway of its own."""

import concurrent.futures
import http.client
import json
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time

from servers import Gateway, HttpFloor, Weft, run_tool

SECONDS = 5
CONNECTIONS = (64, 256)
BULK_RECORDS = 10000
BULK_CLIENTS = 4
BULK_ROUNDS = 5
POLLED = 1000  # jobs
WATCHERS = 10000
PAGES = 300
SCRIPT = pathlib.Path(__file__).with_name("http.lua")


def is_there():
    return bool(shutil.which("wrk"))


def load(server, connections, paths=()):
    """What wrk says of some seconds of requests."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(SCRIPT), server.url,
                   *(["--", file.name] if paths else [])]
        result = run_tool(command)
    if result["failed"]:
        sys.exit(f"bench: {result['failed']} of {result['requests']} requests failed")
    return result


def rate(result):
    return result["requests"] / (result["us"] / 1e6)


def measure_round(figures):
    """Single submissions, and the same answered from memory."""
    if not is_there():
        return
    for connections in CONNECTIONS:
        shape = f"{connections} connections"
        with HttpFloor() as floor:
            figures[f"floor (same library, from memory), POST/s, {shape}"] = rate(
                load(floor, connections))
        with Weft() as broker, Gateway(broker) as gateway:
            before = broker.cpu_seconds() + gateway.cpu_seconds()
            result = load(gateway, connections)
            used = broker.cpu_seconds() + gateway.cpu_seconds() - before
        figures[f"weft POST → durable 202/s, {shape}"] = rate(result)
        figures[f"weft POST p50 µs, {shape}"] = result["p50_us"]
        figures[f"weft POST p99 µs, {shape}"] = result["p99_us"]
        figures[f"weft POST, CPU µs a request at gateway and broker, {shape}"] = (
            used * 1e6 / result["requests"])


def bulk_body():
    note = "x" * 262
    return "".join(json.dumps({"type": "bench", "payload": {"no": no, "note": note}}) + "\n"
                   for no in range(BULK_RECORDS)).encode()


def post_bulk(gateway, body):
    connection = http.client.HTTPConnection(*gateway.address, timeout=120)
    for _ in range(BULK_ROUNDS):
        connection.request("POST", "/v1/batches", body, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        verdict = json.loads(answer.read())
        if answer.status != 202 or verdict["accepted"] != BULK_RECORDS:
            sys.exit(f"bench: bulk was answered {answer.status}: {verdict}")
    connection.close()


def measure_bulk(figures):
    body = bulk_body()
    with Weft() as broker, Gateway(broker) as gateway:
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(BULK_CLIENTS) as pool:
            list(pool.map(lambda _: post_bulk(gateway, body), range(BULK_CLIENTS)))
        seconds = time.monotonic() - started
    figures[f"weft bulk records/s, {BULK_CLIENTS} clients, {BULK_RECORDS:,} a request"] = (
        BULK_CLIENTS * BULK_ROUNDS * BULK_RECORDS / seconds)


def spool_books(gateway):
    connection = http.client.HTTPConnection(*gateway.address, timeout=60)
    connection.request("GET", "/v1/spool")
    books = json.loads(connection.getresponse().read())
    connection.close()
    return books


def measure_spool(figures):
    """Taken while no broker answers, one by one and in bulk; then all brought to one that comes."""
    body = bulk_body()
    with Weft() as broker:
        broker.stop(signal.SIGKILL)
        with Gateway(broker, "--spool-max", "4GiB") as gateway:
            Jobs(gateway, 1)  # the first waits for a broker
            for connections in CONNECTIONS:
                shape = f"{connections} connections"
                result = load(gateway, connections)
                figures[f"weft POST → spooled 202/s, {shape}"] = rate(result)
                figures[f"weft POST → spooled 202 p99 µs, {shape}"] = result["p99_us"]
            started = time.monotonic()
            post_bulk(gateway, body)
            figures[f"weft bulk records/s into the spool, one client, {BULK_RECORDS:,} a request"] = (
                BULK_ROUNDS * BULK_RECORDS / (time.monotonic() - started))
            waiting = spool_books(gateway)["waiting"]
            broker.start(broker.endpoint)
            started = time.monotonic()
            while spool_books(gateway)["waiting"] > 0:
                time.sleep(0.02)
            figures["weft spooled jobs brought to a broker that is back, jobs/s"] = (
                waiting / (time.monotonic() - started))


class Jobs:
    """Some jobs and a connection to ask about them."""

    def __init__(self, gateway, count):
        self.connection = http.client.HTTPConnection(*gateway.address, timeout=60)
        self.paths = [self.ask("POST", "/v1/jobs", {"type": "bench"})["status_url"]
                      for _ in range(count)]

    def ask(self, method, path, body=None):
        words = {"Content-Type": "application/json"} if body is not None else {}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, words)
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            sys.exit(f"bench: {method} {path} was answered {answer.status}: {told}")
        return json.loads(told)

    def cancel(self):
        for path in self.paths:
            self.ask("POST", f"{path}:cancel")


def measure_polls(figures):
    """Of jobs that may change, which the broker is asked for, and of finished ones, which it is not."""
    with Weft() as broker, Gateway(broker) as gateway:
        jobs = Jobs(gateway, POLLED)
        for kind in ("waiting", "finished"):
            before = broker.cpu_seconds()
            result = load(gateway, 64, jobs.paths)
            figures[f"weft polls/s of {kind} jobs, 64 connections"] = rate(result)
            figures[f"weft polls of {kind} jobs, p99 µs"] = result["p99_us"]
            figures[f"weft polls of {kind} jobs, CPU µs a poll at the broker"] = (
                (broker.cpu_seconds() - before) * 1e6 / result["requests"])
            if kind == "waiting":
                jobs.cancel()


def measure_first_page(figures, backlog):
    with Weft() as broker, Gateway(broker) as gateway:
        run_tool(broker.tool("submit") + ["--jobs", str(backlog), "--connections", "4", "--batch",
                                          "64", "--window", "8192"])
        jobs = Jobs(gateway, 1)
        seconds = []
        for _ in range(PAGES):
            started = time.monotonic()
            jobs.ask("GET", "/v1/jobs?status=queued&limit=100")
            seconds.append(time.monotonic() - started)
    figures[f"weft first page of 100 of {backlog:,} jobs, p50 ms"] = statistics.median(seconds) * 1e3


def read_until(sock, word):
    seen = b""
    while word not in seen:
        piece = sock.recv(65536)
        if not piece:
            sys.exit("bench: a stream ended early")
        seen += piece


def watch(gateway, path):
    sock = socket.create_connection(gateway.address, 60)
    sock.sendall(f"GET {path}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return sock


def measure_watchers(figures):
    """Event streams of a hundred jobs; then these end."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Weft() as broker:
        broker.stop(15)
        broker.flags = ("--watch-count-max", str(2 * WATCHERS))
        broker.start()
        with Gateway(broker, "--connections-max", str(2 * WATCHERS)) as gateway:
            jobs = Jobs(gateway, 100)
            before = gateway.anonymous_bytes(), broker.anonymous_bytes()
            started = time.monotonic()
            streams = [watch(gateway, jobs.paths[no % 100]) for no in range(WATCHERS)]
            for stream in streams:
                read_until(stream, b"event: status")
            figures[f"weft seconds to open {WATCHERS:,} event streams"] = time.monotonic() - started
            figures["weft bytes an event stream, gateway"] = (
                gateway.anonymous_bytes() - before[0]) / WATCHERS
            figures["weft bytes an event stream, broker"] = (
                broker.anonymous_bytes() - before[1]) / WATCHERS
            jobs.cancel()
            started = time.monotonic()
            for stream in streams:
                read_until(stream, b"cancelled")
                stream.close()
            figures[f"weft seconds until {WATCHERS:,} streams have told the end"] = (
                time.monotonic() - started)


def measure_once(figures, backlog):
    if not is_there():
        print("HTTP is not measured: install wrk (make bench does)")
        return
    measure_bulk(figures)
    measure_spool(figures)
    measure_polls(figures)
    measure_first_page(figures, backlog)
    measure_watchers(figures)


if __name__ == "__main__":
    seen = {}
    if sys.argv[1:] == ["spool"]:
        measure_spool(seen)
        for name, value in seen.items():
            print(f"{name:70} {value:14,.2f}")
        sys.exit()
    measure_round(seen)
    measure_once(seen, 1000000)
    for name, value in seen.items():
        print(f"{name:70} {value:14,.2f}")
