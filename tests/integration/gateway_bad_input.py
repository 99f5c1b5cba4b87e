"""Bad input over raw sockets: the right refusal, nothing stored, and the next client is served."""

import socket
import unittest

from lib_gateway import AtPretendedBroker

HOST = b"Host: localhost\r\n"
JOB = b'{"type":"a.b","payload":1}'
TYPE = b"Content-Type: application/json\r\n"


def post(body=JOB, head=TYPE, length=None, path=b"/v1/jobs", host=HOST):
    size = b"%d" % (len(body) if length is None else length)
    return b"POST " + path + b" HTTP/1.1\r\n" + host + head + b"Content-Length: " + size + b"\r\n\r\n" + body


def put(path, body=b"{}", head=TYPE):
    return b"PUT " + path + b" HTTP/1.1\r\n" + HOST + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def deep(depth):
    return b'{"type":"a","payload":' + b"[" * depth + b"]" * depth + b"}"


# name, bytes, what the answer begins with (None: any refusal or a closed connection)
CASES = [
    # framing
    ("length and chunks", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    ("two equal lengths", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("length with a plus", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello", 400),
    ("length that is no number", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: five\r\n\r\nhello", 400),
    ("length beyond numbers", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
    ("coding with a blank", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ("coding that is not chunked", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    ("two codings", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    ("chunks where none are taken", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE +
     b"Transfer-Encoding: chunked\r\n\r\n1a\r\n" + JOB + b"\r\n0\r\n\r\n", 411),
    ("broken chunk size", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + JOB + b"\r\n0\r\n\r\n", 400),
    ("folded header", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", 400),
    ("folded length", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n 0\r\n\r\nhello", 400),
    ("header without a colon", b"GET /livez HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400),
    ("empty header name", b"GET /livez HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400),
    ("header name with a blank", b"GET /livez HTTP/1.1\r\n" + HOST + b"a b: x\r\n\r\n", 400),
    ("zero in a header", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
    ("zero that hides a length", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"\0Content-Length: 5\r\n\r\nhello", 400),
    ("control byte in a header", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: \x02\r\n\r\n", 400),
    ("bare line feeds", b"GET /livez HTTP/1.1\nHost: a\n\n", 400),
    ("no host", b"GET /livez HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET /livez HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    ("version of tomorrow", b"GET /livez HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    ("version 2 in words", b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    ("no version", b"GET /livez\r\n\r\n", None),
    ("nothing but blanks", b"   \r\n\r\n", None),
    ("binary noise", bytes(range(256)) * 4 + b"\r\n\r\n", None),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\n\n", None),
    ("zero in the target", b"GET /livez\0x HTTP/1.1\r\n" + HOST + b"\r\n", None),
    ("zero by percent", b"GET /livez%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("line feed by percent", b"GET /livez%0a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("blank in the target", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("target without a slash", b"GET livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("whole address", b"GET http://a/livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("endless target", b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    ("endless header", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 70000 + b"\r\n\r\n", 431),
    ("head beyond 16 KiB", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 16384 + b"\r\n\r\n", 431),
    ("too many headers", b"GET /livez HTTP/1.1\r\n" + HOST + b"".join(b"X%d: y\r\n" % i for i in range(150)) + b"\r\n", 431),
    ("length with a minus", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: -1\r\n\r\n", 400),
    ("length in hex", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: 0x1a\r\n\r\n" + JOB, 400),
    ("length as a list", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: 26, 26\r\n\r\n" + JOB, 400),
    ("length that is empty", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length:\r\n\r\n", 400),
    ("length with a blank before the colon", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length : 26\r\n\r\n" + JOB, 400),
    ("length that hides behind a tab", b"POST /v1/jobs HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length\t: 26\r\n\r\n" + JOB, 400),
    ("chunks and length, the other way round", b"POST /v1/batches HTTP/1.1\r\n" + HOST + TYPE +
     b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    ("chunked twice", b"POST /v1/batches HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    ("two headers of coding", b"POST /v1/batches HTTP/1.1\r\n" + HOST + TYPE +
     b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
    ("coding before a comma", b"POST /v1/batches HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400),
    ("coding with a vertical tab", b"POST /v1/batches HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("negative chunk", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + JOB + b"\r\n0\r\n\r\n", 400),
    ("chunk size beyond numbers", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + JOB + b"\r\n0\r\n\r\n", None),
    ("carriage return in a header", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\rY: b\r\n\r\n", 400),
    ("delete in a header", b"GET /livez HTTP/1.1\r\n" + HOST + b"X: \x7f\r\n\r\n", 400),
    ("header name with a slash", b"GET /livez HTTP/1.1\r\n" + HOST + b"a/b: x\r\n\r\n", 400),
    ("header name beyond ASCII", b"GET /livez HTTP/1.1\r\n" + HOST + b"\xc3\xa9: x\r\n\r\n", 400),
    ("host that is empty twice", b"GET /livez HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n", 400),
    ("blank before the first header", b"GET /livez HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
    ("lower-case version", b"GET /livez http/1.1\r\n" + HOST + b"\r\n", None),
    ("version with more digits", b"GET /livez HTTP/1.10\r\n" + HOST + b"\r\n", None),
    ("tab between method and target", b"GET\t/livez HTTP/1.1\r\n" + HOST + b"\r\n", None),
    ("control byte in the target", b"GET /livez\x01 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("delete in the target", b"GET /livez\x7f HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("bytes beyond ASCII in the target", b"GET /v1/jobs/\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("fragment in the target", b"GET /livez#x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("proxy request", b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n", None),
    ("star as a target", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("body where none is taken", b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello", 400),
    # whom they mean
    ("name that somebody has pointed here", b"GET /v1/jobs HTTP/1.1\r\nHost: evil.example:7410\r\n\r\n", 421),
    ("submission under such a name", post(host=b"Host: evil.example\r\n"), 421),
    ("name that begins as an address", b"GET /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 421),
    ("name that begins as this machine", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 421),
    ("name that ends as this machine", b"GET /v1/jobs HTTP/1.1\r\nHost: evillocalhost\r\n\r\n", 421),
    ("host that is empty", b"GET /v1/jobs HTTP/1.1\r\nHost:\r\n\r\n", 421),
    ("host with a port that is none", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost:80a\r\n\r\n", 421),
    ("all addresses", b"GET /v1/jobs HTTP/1.1\r\nHost: 0.0.0.0:7410\r\n\r\n", 421),
    ("old version without a host", b"GET /v1/jobs HTTP/1.0\r\n\r\n", 421),
    ("host with a user", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 400),
    ("host with a path", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost/\r\n\r\n", 400),
    ("host with a blank", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost evil.example\r\n\r\n", 400),
    ("hosts as a list", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost,evil.example\r\n\r\n", 400),
    ("two hosts, the first one good", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
    # routes
    ("unknown path", b"GET /v2/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("dots in the path", b"GET /v1/jobs/../jobs HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("wrong method", b"PUT /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", 405),
    ("unknown method", b"BREW /v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("no id", b"GET /v1/jobs/7 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("id with more", b"GET /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057x HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("unknown parameter", post(path=b"/v1/jobs?dry=1"), 400),
    ("a dry run that may be", post(path=b"/v1/jobs?dry_run=maybe"), 400),
    ("more workers than a page has", b"GET /v1/workers?limit=65 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("more queues than a page has", b"GET /v1/queues?limit=257 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("more types than a page has", b"GET /v1/types?limit=257 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("more schedules than a page has", b"GET /v1/schedules?limit=257 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("slash by percent in the path", b"GET /v1%2fjobs HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("backslash in the path", b"GET /v1\\jobs HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("two slashes", b"GET //v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("slash at the end", b"GET /v1/jobs/ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("id of zeros with a verb that is none", b"POST /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:stop HTTP/1.1\r\n" + HOST +
     b"Content-Length: 0\r\n\r\n", 404),
    ("parameter twice", b"GET /v1/jobs?limit=1&limit=2 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter cut in an escape", b"GET /v1/jobs?queue=a%2 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("limit of nothing", b"GET /v1/jobs?limit=0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("limit below nothing", b"GET /v1/jobs?limit=-1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("cursor of another list", b"GET /v1/operations?cursor=7 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("state that is none", b"GET /v1/jobs?status=lost HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("wait beyond the cap", b"GET /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057?wait=61s HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # what a body, a condition, a parameter is said to be
    ("compressed body", post(head=TYPE + b"Content-Encoding: gzip\r\n"), 415),
    ("body that is coded twice", post(head=TYPE + b"Content-Encoding: identity, br\r\n"), 415),
    ("two codings of a body", post(head=TYPE + b"Content-Encoding: identity\r\nContent-Encoding: br\r\n"), 415),
    ("compressed lines", post(JOB + b"\n", head=b"Content-Type: application/x-ndjson\r\nContent-Encoding: zstd\r\n", path=b"/v1/batches"), 415),
    ("two types of content", post(head=TYPE + b"Content-Type: application/msgpack\r\n"), 400),
    ("types of content as a list", post(head=b"Content-Type: application/json, text/plain\r\n"), 415),
    ("two character sets", post(head=b"Content-Type: application/json; charset=utf-8; charset=latin1\r\n"), 415),
    ("type of content that is empty", post(head=b"Content-Type:\r\n"), 415),
    ("submission on a condition", post(head=TYPE + b"If-None-Match: *\r\n"), 412),
    ("setting on a condition", put(b"/v1/queues/q", b'{"weight":3}', TYPE + b'If-Match: "77"\r\n'), 412),
    ("setting if it is old", put(b"/v1/queues/q", b"{}", TYPE + b"If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT\r\n"), 412),
    ("deletion on a condition", b"DELETE /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057 HTTP/1.1\r\n" + HOST + b'If-Match: "1"\r\n\r\n', 412),
    ("setting that is no object", put(b"/v1/queues/q", b"[]"), 400),
    ("setting that is empty", put(b"/v1/queues/q", b""), 400),
    ("setting with a name twice", put(b"/v1/queues/q", b'{"weight":1,"weight":100}'), 400),
    ("setting that is unknown", put(b"/v1/queues/q", b'{"wieght":1}'), 400),
    ("queue with a name that is too long", put(b"/v1/queues/" + b"a" * 129), 400),
    ("type with a name that is too long", put(b"/v1/types/" + b"a" * 129), 400),
    ("schedule with a name that is too long", put(b"/v1/schedules/" + b"a" * 129, b'{"cron":"@daily","job":{"type":"a"}}'), 400),
    ("queue in capitals", put(b"/v1/queues/AB"), 400),
    ("queue with a slash by percent", put(b"/v1/queues/a%2fb"), 400),
    ("parameter that is no UTF-8", b"GET /v1/jobs?queue=%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter that is overlong UTF-8", b"GET /v1/jobs?queue=%c0%af HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("zero in a parameter", b"GET /v1/jobs?queue=a%00b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("escape of no digits", b"GET /v1/jobs?queue=%zz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter twice, one escaped", b"GET /v1/jobs?limit=1&lim%69t=2 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameters parted by a semicolon", b"GET /v1/jobs?limit=1;status=dead HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter in capitals", b"GET /v1/jobs?LIMIT=1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter without a name", b"GET /v1/jobs?=x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("parameter of 12,000 bytes", b"GET /v1/jobs?queue=" + b"a" * 12000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("300 parameters", b"GET /v1/jobs?" + b"&".join(b"a%d=1" % i for i in range(300)) + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("limit in hex", b"GET /v1/jobs?limit=0x1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("cursor beyond 64 bits", b"GET /v1/jobs?cursor=18446744073709551616 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("version beyond 32 bits", b"GET /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057?version=4294967296 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("dry run twice", post(path=b"/v1/jobs?dry_run=true&dry_run=false"), 400),
    ("dry run in capitals", post(path=b"/v1/jobs?dry_run=TRUE"), 400),
    ("event that is none", b"GET /v1/events?since=zz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("act with a body", post(b"{}", path=b"/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:cancel"), 400),
    ("act with two verbs", post(b"", b"", path=b"/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:cancel:retry"), 404),
    ("act with an unknown parameter", post(b"", b"", path=b"/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:cancel?x=1"), 400),
    ("act on all", post(b"", b"", path=b"/v1/jobs:cancel"), 400),
    ("act with a key beyond ASCII", post(b"", b"Idempotency-Key: \xff\r\n", path=b"/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:retry"), 400),
    ("act with two keys", post(b"", b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n", path=b"/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057:retry"), 400),
    ("key with a tab", post(head=TYPE + b"Idempotency-Key: a\tb\r\n"), 400),
    ("deletion with a body", b"DELETE /v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057 HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}", 400),
    ("id in braces", b"GET /v1/jobs/%7b01890a5d-ac96-774b-bcce-b302099a8057%7d HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("id without dashes", b"GET /v1/jobs/01890a5dac96774bbcceb302099a8057 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("method in small letters", b"get /v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("what may be asked for", b"OPTIONS /v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("echo", b"TRACE /v1/jobs HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("lease of nothing", post(b'{"types":[]}', path=b"/v1/leases"), 400),
    ("token that is a number", post(b'{"token":5}', path=b"/v1/leases/01890a5d-ac96-774b-bcce-b302099a8057:finish"), 400),
    ("token below nothing", post(b'{"token":"-5"}', path=b"/v1/leases/01890a5d-ac96-774b-bcce-b302099a8057:finish"), 400),
    ("tags twice", post(b'{"type":"a","tags":["x","x"]}'), 400),
    ("leap second", post(b'{"type":"a","run_at":"2026-06-30T23:59:60Z"}'), 400),
    ("priority as a float", post(b'{"type":"a","priority":4.0}'), 400),
    ("nothing for a queue", post(b'{"type":"a","queue":null}'), 400),
    ("chunk size with a plus", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n+e\r\n" + JOB[:14] + b"\r\n0\r\n\r\n", 400),
    ("chunk that goes on", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n4\r\n" + JOB + b"\r\n0\r\n\r\n", 400),
    ("trailer without a colon", b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nbad line\r\n\r\n", 400),
    # sizes
    ("body beyond the cap", post(b'{"type":"a","payload":"' + b"x" * (1200 * 1024) + b'"}'), 413),
    ("payload beyond the cap", post(b'{"type":"a","payload":"' + b"x" * (1024 * 1024) + b'"}'), 413),
    ("claimed length beyond the cap", post(b"", length=1 << 40), 413),
    # bodies
    ("empty body", post(b""), 400),
    ("wrong type of content", post(head=b"Content-Type: text/plain\r\n"), 415),
    ("wrong character set", post(head=b"Content-Type: application/json; charset=latin1\r\n"), 415),
    ("form", post(b"type=a", head=b"Content-Type: application/x-www-form-urlencoded\r\n"), 415),
    ("half an object", post(b'{"type":"a"'), 400),
    ("two objects", post(JOB + JOB), 400),
    ("an array", post(b"[]"), 400),
    ("names twice", post(b'{"type":"a","type":"b"}'), 400),
    ("names twice, one escaped", post(b'{"type":"a","t\\u0079pe":"b"}'), 400),
    ("names twice deep inside", post(b'{"type":"a","payload":[{"x":1,"x":2}]}'), 400),
    ("not UTF-8", post(b'{"type":"a","payload":"\xff"}'), 400),
    ("lone surrogate", post(b'{"type":"a","payload":"\\ud800"}'), 400),
    ("control character in a string", post(b'{"type":"a","payload":"\n"}'), 400),
    ("byte order mark", post(b"\xef\xbb\xbf" + JOB), 400),
    ("comment", post(b'{"type":"a"/*x*/}'), 400),
    ("trailing comma", post(b'{"type":"a",}'), 400),
    ("not a number", post(b'{"type":"a","payload":NaN}'), 400),
    ("number with a leading zero", post(b'{"type":"a","payload":01}'), 400),
    ("too deep", post(deep(65)), 413),
    ("much too deep", post(b'{"type":"a","payload":' + b"[" * 500000), 413),
    ("nothing but blanks in the body", post(b"  \n "), 400),
    ("a lone value", post(b"7"), 400),
    ("null", post(b"null"), 400),
    ("names that are no strings", post(b"{type:\"a\"}"), 400),
    ("single quotes", post(b"{'type':'a'}"), 400),
    ("zero byte in the body", post(b'{"type":"a\0"}'), 400),
    ("escaped zero in a name", post(b'{"type":"a\\u0000"}'), 400),
    ("half a surrogate pair", post(b'{"type":"a","payload":"\\udc00\\ud800"}'), 400),
    ("overlong UTF-8", post(b'{"type":"a","payload":"\xc0\xaf"}'), 400),
    ("UTF-8 of a surrogate", post(b'{"type":"a","payload":"\xed\xa0\x80"}'), 400),
    ("UTF-8 beyond Unicode", post(b'{"type":"a","payload":"\xf4\x90\x80\x80"}'), 400),
    ("UTF-16", post(JOB.decode().encode("utf-16")), 400),
    ("infinity", post(b'{"type":"a","payload":Infinity}'), 400),
    ("number with a plus", post(b'{"type":"a","payload":+1}'), 400),
    ("number that ends in a dot", post(b'{"type":"a","payload":1.}'), 400),
    ("number in hex", post(b'{"type":"a","payload":0x10}'), 400),
    ("priority beyond 64 bits", post(b'{"type":"a","priority":99999999999999999999}'), 400),
    ("priority below nothing", post(b'{"type":"a","priority":-1}'), 400),
    ("priority with a fraction", post(b'{"type":"a","priority":4.5}'), 400),
    ("delay beyond all time", post(b'{"type":"a","delay":"99999999999999d"}'), 400),
    ("moment that is none", post(b'{"type":"a","run_at":"2026-02-30T00:00:00Z"}'), 400),
    ("moment without a zone", post(b'{"type":"a","run_at":"2026-02-03T00:00:00"}'), 400),
    ("ttl before the delay is over", post(b'{"type":"a","ttl":"1s","delay":"2s"}'), 400),
    ("two parents alike", post(b'{"type":"a","after":["01890a5d-ac96-774b-bcce-b302099a8057","01890a5d-ac96-774b-bcce-b302099a8057"],'
                               b'"on_dependency_failure":"run"}'), 400),
    ("parents without a rule", post(b'{"type":"a","after":["01890a5d-ac96-774b-bcce-b302099a8057"]}'), 400),
    ("more than 32 members", post(b"{" + b",".join(b'"m%d":1' % i for i in range(33)) + b"}"), 400),
    ("no type", post(b"{}"), 400),
    ("type in capitals", post(b'{"type":"A"}'), 400),
    ("type of wrong kind", post(b'{"type":7}'), 400),
    ("priority out of range", post(b'{"type":"a","priority":10}'), 400),
    ("delay without a unit", post(b'{"type":"a","delay":"5"}'), 400),
    ("dedup by something else", post(b'{"type":"a","dedup":"id"}'), 400),
    ("dedup beside a key", post(b'{"type":"a","dedup":"content"}', head=TYPE + b"Idempotency-Key: a\r\n"), 400),
    ("unknown field", post(b'{"type":"a","payloda":1}'), 400),
    ("key that is empty", post(head=TYPE + b"Idempotency-Key:\r\n"), 400),
    ("key too long", post(head=TYPE + b"Idempotency-Key: " + b"k" * 256 + b"\r\n"), 400),
    ("key beyond ASCII", post(head=TYPE + b"Idempotency-Key: \xc3\xa9\r\n"), 400),
    ("two keys", post(head=TYPE + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400),
    ("broken MessagePack", post(b"\xdf\xff\xff\xff\xff", head=b"Content-Type: application/msgpack\r\n"), 400),
    ("eight gigabytes of MessagePack", post(b"\xdd\x7f\xff\xff\xff", head=b"Content-Type: application/msgpack\r\n"), 400),
    ("batch without records", post(b"\n\n", head=b"Content-Type: application/x-ndjson\r\n", path=b"/v1/batches"), 400),
    ("batch that is no array", post(b"{}", path=b"/v1/batches"), 400),
    ("batch whose array is broken", post(b'[{"type":"a"},', path=b"/v1/batches"), 400),
    ("batch of bad records only", post(b'{"type":"A"}\nx\n', head=b"Content-Type: application/x-ndjson\r\n",
                                        path=b"/v1/batches"), 400),
    ("batch of another mode", post(b'{"type":"a"}', head=b"Content-Type: application/x-ndjson\r\n",
                                    path=b"/v1/batches?mode=all"), 400),
    ("batch of MessagePack", post(b"\x90", head=b"Content-Type: application/msgpack\r\n", path=b"/v1/batches"), 415),
    ("line that is broken among bad ones", post(b'{"type":"A"}\n{"type":\n', head=b"Content-Type: application/x-ndjson\r\n",
                                                path=b"/v1/batches"), 400),
    ("lines of an array", post(b'[{"type":"A"}]\n', head=b"Content-Type: application/x-ndjson\r\n", path=b"/v1/batches"), 400),
    ("array with lines", post(b'{"type":"a"}\n{"type":"a"}', path=b"/v1/batches"), 400),
    ("array with something behind", post(b'[{"type":"A"}]x', path=b"/v1/batches"), 400),
    ("key of a batch that is too long", post(b'[{"type":"a"}]', head=TYPE + b"Idempotency-Key: " + b"k" * 250 + b"\r\n",
                                             path=b"/v1/batches"), 400),
    ("MessagePack with something behind", post(b"\x81\xa4type\xa1a\xc0", head=b"Content-Type: application/msgpack\r\n"), 400),
    ("MessagePack with a name twice", post(b"\x82\xa4type\xa1a\xa4type\xa1b", head=b"Content-Type: application/msgpack\r\n"), 400),
    ("MessagePack that is too deep", post(b"\x82\xa4type\xa1a\xa7payload" + b"\x91" * 100 + b"\xc0",
                                          head=b"Content-Type: application/msgpack\r\n"), None),
    ("MessagePack with a name twice below", post(b"\x82\xa4type\xa1a\xa7payload\x82\xa1a\x01\xa1a\x02",
                                                 head=b"Content-Type: application/msgpack\r\n"), 400),
    ("MessagePack cut short", post(b"\x81\xa4type", head=b"Content-Type: application/msgpack\r\n"), 400),
    ("batch of too many", post(b'{"type":"a"}\n' * 10001, head=b"Content-Type: application/x-ndjson\r\n",
                                path=b"/v1/batches"), 413),
]


class BadInput(AtPretendedBroker):
    def test_each_is_refused_and_stores_nothing(self):
        self.assertGreaterEqual(len(CASES), 200)
        for name, data, status in CASES:
            with self.subTest(name):
                before = len(self.broker.jobs)
                heard = self.gateway.raw(data, end=status is None)
                self.assertEqual(len(self.broker.jobs), before, "something was stored")
                if status is None:
                    self.assertNotRegex(heard[:12], rb"HTTP/1.1 2")
                else:
                    self.assertEqual(heard[:12], b"HTTP/1.1 %d" % status, heard)
                self.assertEqual(self.gateway.ask("GET", "/livez").status, 200)
        self.assertEqual(self.gateway.submit({"type": "still.here"}).status, 202)

    def test_refusals_explain_themselves(self):
        for data in (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", post(b'{"type":"a","dedup":"id"}')):
            head, _, body = self.gateway.raw(data).partition(b"\r\n\r\n")
            self.assertIn(b"application/problem+json", head)
            for member in (b'"type":"urn:weft:problem:', b'"title":"', b'"status":', b'"detail":"', b'"code":"WEFT-',
                           b'"fix":"'):
                self.assertIn(member, body)

    def test_the_librarys_own_refusals_are_those_that_the_document_names(self):
        named = {"length with a plus", "length that is no number", "length beyond numbers", "broken chunk size",
                 "header without a colon", "version of tomorrow", "version 2 in words", "endless target",
                 "endless header", "length with a minus", "length in hex", "length as a list", "length that is empty",
                 "negative chunk", "chunk size with a plus", "chunk that goes on", "trailer without a colon"}
        for name, data, status in CASES:
            if status is None:
                continue  # not HTTP
            with self.subTest(name):
                head = self.gateway.raw(data).partition(b"\r\n\r\n")[0]
                self.assertEqual(b"application/problem+json" in head, name not in named)

    def test_nothing_is_smuggled_behind_a_refusal(self):
        second = post(b'{"type":"smuggled"}')
        for first in (b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n 0\r\n\r\n",
                      b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
                      b"POST /v1/jobs HTTP/1.1\r\n" + HOST + b"\0Content-Length: 5\r\n\r\n"):
            heard = self.gateway.raw(first + second)
            self.assertEqual(heard.count(b"HTTP/1.1 "), 1, heard)
        self.assertNotIn("smuggled", {job["wire"].type for job in self.broker.jobs.values()})

    def test_requests_in_a_row_are_answered_in_their_order(self):
        with socket.create_connection(self.gateway.address, timeout=30) as connection:
            connection.sendall(post(b'{"type":"first"}') + post(b'{"type":"second"}') +
                               b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            heard = b""
            while part := connection.recv(65536):
                heard += part
        self.assertEqual(heard.count(b"HTTP/1.1 202"), 2)
        self.assertLess(heard.index(b'"first"'), heard.index(b'"second"'))
        self.assertTrue(heard.endswith(b"live\n"))

    def test_clients_that_hang_up_harm_nobody(self):
        for cut in range(0, len(post()), 7):
            with socket.create_connection(self.gateway.address, timeout=30) as connection:
                connection.sendall(post()[:cut])
        self.assertEqual(self.gateway.ask("GET", "/livez").status, 200)


if __name__ == "__main__":
    unittest.main()
