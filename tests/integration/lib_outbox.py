"""Databases under test and the relay, for the tests of `weft outbox`.

A database is one of the application: a table `orders`, and the outbox. Everything in it is done in SQL through
the library of the database, by processes or connections that can be killed.
"""

import atexit
import ctypes
import ctypes.util
import hashlib
import json
import os
import pwd
import selectors
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import uuid

from lib_broker import Broker, PATIENCE_S

WEFT = os.environ["WEFT_BIN"]
TABLES = "CREATE TABLE orders (number bigint PRIMARY KEY, outbox_id bigint NOT NULL);"


def schema(kind):
    return subprocess.run([WEFT, "outbox", "schema", kind], check=True, capture_output=True, text=True).stdout


def job_id(outbox_id, row_id, tenant="default", queue="default"):
    """The id of a row's job, as docs/outbox.md says it, from nothing of ours."""
    def part(text):
        return len(text.encode()).to_bytes(4, "big") + text.encode()

    key = f"outbox/{outbox_id}/{row_id}"
    full = hashlib.blake2b(b"weft/id/1" + part(tenant) + part(queue) + part(key), digest_size=16).digest()
    slot = hashlib.blake2b(b"weft/slot/1" + part(tenant) + part(queue), digest_size=16).digest()
    slot = int.from_bytes(slot[:2], "big") >> 4
    number = slot << 116 | int.from_bytes(full, "big") & ((1 << 116) - 1)
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(3 << 62) | 2 << 62
    return str(uuid.UUID(int=number))


def wait_for(what, question):
    until = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.01)
    return answer


class Lost(Exception):
    """The database is gone, or refuses."""


class SqliteSession:
    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)

    def run(self, sql, *places):
        """Rows as tuples of texts or None."""
        try:
            rows = self.connection.execute(sql, places).fetchall()
        except sqlite3.Error as error:
            raise Lost(str(error)) from error
        return [tuple(None if value is None else str(value) for value in row) for row in rows]

    def close(self):
        self.connection.close()


class Sqlite:
    kind = "sqlite"

    def __init__(self, place):
        self.path = os.path.join(place, "app.db")
        self.url = "sqlite:" + self.path
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(schema("sqlite") + TABLES)
        connection.close()

    def session(self):
        return SqliteSession(self.path)

    def close(self):
        pass


_pq = ctypes.CDLL(ctypes.util.find_library("pq"))
for _name, _result, _arguments in (
        ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]), ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQfinish", None, [ctypes.c_void_p]), ("PQclear", None, [ctypes.c_void_p]),
        ("PQexecParams", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                                           ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p, ctypes.c_void_p,
                                           ctypes.c_int]),
        ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]), ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
        ("PQntuples", ctypes.c_int, [ctypes.c_void_p]), ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
        ("PQgetisnull", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
        ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int])):
    getattr(_pq, _name).restype, getattr(_pq, _name).argtypes = _result, _arguments


class PostgresqlSession:
    def __init__(self, url):
        self.connection = _pq.PQconnectdb(url.encode())
        if _pq.PQstatus(self.connection) != 0:
            why = _pq.PQerrorMessage(self.connection).decode()
            self.close()
            raise Lost(why)

    def run(self, sql, *places):
        for number in range(len(places), 0, -1):
            sql = sql.replace(f"?{number}", f"${number}")
        texts = (ctypes.c_char_p * max(len(places), 1))(
            *(None if place is None else str(place).encode() for place in places))
        result = _pq.PQexecParams(self.connection, sql.encode(), len(places), None, texts, None, None, 0)
        try:
            if _pq.PQresultStatus(result) not in (1, 2):
                raise Lost(_pq.PQerrorMessage(self.connection).decode())
            return [tuple(None if _pq.PQgetisnull(result, row, column)
                          else _pq.PQgetvalue(result, row, column).decode()
                          for column in range(_pq.PQnfields(result))) for row in range(_pq.PQntuples(result))]
        finally:
            _pq.PQclear(result)

    def close(self):
        _pq.PQfinish(self.connection)


def postgresql_programs():
    """Debian keeps them by version, outside of PATH."""
    done = subprocess.run(["pg_config", "--bindir"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Cluster:
    """A PostgreSQL of the test's own, on a socket in its directory."""

    def __init__(self):
        self.database_count = 0
        self.programs = postgresql_programs()
        self.place = tempfile.mkdtemp(prefix="weft-pg-")  # a socket's path must be short
        self.data = os.path.join(self.place, "data")
        self.log = os.path.join(self.place, "log")
        # The server refuses to run as root.
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            os.chown(self.place, pwd.getpwnam("nobody").pw_uid, -1)
        self.url = f"host={self.place} user=app dbname="
        self.process = None
        subprocess.run(self.command("initdb", "-D", self.data, "-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8",
                                    "--locale=C"), check=True, capture_output=True)
        self.start()

    def command(self, program, *words):
        before = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.getuid() == 0 else []
        return [*before, os.path.join(self.programs, program), *words]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command("postgres", "-D", self.data, "-k", self.place, "-c", "listen_addresses=", "-c", "fsync=off",
                             "-c", "shared_buffers=16MB", "-c", "autovacuum=off", "-c", "log_min_messages=fatal"),
                stdout=log, stderr=log, cwd=self.place)
        wait_for("PostgreSQL", self.answers)

    def answers(self):
        try:
            PostgresqlSession(self.url + "postgres").close()
        except Lost:
            if self.process.poll() is not None:  # what the one before has left is not gone yet
                self.start()
            return False
        return True

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE_S)
        shutil.rmtree(self.place, ignore_errors=True)


class Postgresql:
    """A database of the test's own, in a cluster that lives as long as the process."""

    kind = "postgresql"
    cluster = None

    def __init__(self, _place):
        if Postgresql.cluster is None:
            Postgresql.cluster = Cluster()
            atexit.register(Postgresql.cluster.close)
        cluster = Postgresql.cluster
        cluster.database_count += 1
        name = f"test{cluster.database_count}"
        session = PostgresqlSession(cluster.url + "postgres")
        session.run(f"CREATE DATABASE {name}")
        session.close()
        self.url = cluster.url + name
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-1", self.url], check=True, text=True,
                       input=schema("postgresql") + TABLES, stdout=subprocess.DEVNULL)

    def session(self):
        return PostgresqlSession(self.url)

    def close(self):
        pass


KINDS = {kind.kind: kind for kind in (Sqlite, Postgresql)}


class Relay:
    """`weft outbox` in a process of its own."""

    def __init__(self, database, endpoint, *flags, failpoint=None, env=None):
        self.log = tempfile.TemporaryFile()
        env = {**os.environ, **({"WEFT_FAILPOINT": failpoint} if failpoint else {}), **(env or {})}
        self.process = subprocess.Popen([WEFT, "outbox", "--database", database.url, "--broker", endpoint, *flags],
                                        stdout=subprocess.PIPE, stderr=self.log, env=env)

    def ready(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE_S), self.stderr()
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready "), self.stderr()
        return dict(word.split("=", 1) for word in line.split()[1:])

    def wait(self):
        """Its exit code."""
        return self.process.wait(PATIENCE_S)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        self.wait()

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.log.close()


class Application:
    """What a user's program does: an order and its job in one transaction."""

    ORDER = "INSERT INTO weft_outbox (type, payload) VALUES (?1, ?2) RETURNING id"

    def __init__(self, database):
        self.session = database.session()

    def put(self, type_name, payload=None, queue="default", options="{}"):
        rows = self.session.run("INSERT INTO weft_outbox (type, queue, payload, options) VALUES (?1, ?2, ?3, ?4) "
                                "RETURNING id", type_name, queue, payload, options)
        return int(rows[0][0])

    def order(self, number, commits=True):
        self.session.run("BEGIN")
        row = self.put("order.ship", json.dumps({"order": number}))
        self.session.run("INSERT INTO orders (number, outbox_id) VALUES (?1, ?2)", number, row)
        self.session.run("COMMIT" if commits else "ROLLBACK")
        return row

    def outbox_id(self):
        return self.session.run("SELECT id FROM weft_outbox_identity")[0][0]

    def rows(self):
        """What is left in the outbox, by id: the slug of its error or None."""
        return {int(row): error for row, error in self.session.run("SELECT id, error_code FROM weft_outbox")}

    def close(self):
        self.session.close()


def listed(endpoint):
    """All jobs of the broker by id."""
    done = subprocess.run([WEFT, "jobs", "list", "--limit", "0", "-o", "json", "--broker", endpoint],
                          check=True, capture_output=True, text=True)
    return {job["id"] if "id" in job else job["job_id"]: job for job in map(json.loads, done.stdout.splitlines())}


def shown(endpoint, job):
    done = subprocess.run([WEFT, "job", "show", job, "-o", "json", "--broker", endpoint],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


__all__ = ["Application", "Broker", "KINDS", "Lost", "Postgresql", "Relay", "Sqlite", "WEFT", "job_id", "listed",
           "shown", "wait_for"]
