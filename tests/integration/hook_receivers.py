"""The sender's HTTP against receivers with bad manners: each has its outcome in bounded time and memory,
and none of them holds up the others."""

import os
import ssl
import subprocess
import time

import lib_receiver as r
from lib_port import held_port

TOOL = os.path.join(os.environ["WEFT_BUILD"], "tests", "hook_post")
DEADLINE_MS = 1500


def post(urls, *flags, deadline_ms=DEADLINE_MS, timeout=90):
    words = [TOOL, "--http", "--allow", "127.0.0.0/8", "--allow", "::1", "--deadline", str(deadline_ms), *flags]
    out = subprocess.run(words + urls, capture_output=True, text=True, timeout=timeout, check=True).stdout
    lines = [line.split("\t", 5) for line in out.splitlines()]
    return lines[:-1], int(lines[-1][1])


# name, behaviour, end, status
CASES = [
    ("good", None, "answered", 200),
    ("no_content", r.status(204), "answered", 204),
    ("slow", r.slow, "timeout", 0),
    ("drip", r.drip, "timeout", 0),
    ("drip_head", r.drip_head, None, 0),  # whichever bound is met first
    ("huge", r.huge, "answered", 200),  # beyond NOTIFIER_ANSWER_BYTES_MAX nothing is read
    ("huge_head", r.huge_head, "broken", 0),  # POST_HEAD_BYTES_MAX
    ("endless_interim", r.endless_interim, "broken", 0),
    ("reset", r.reset, "broken", 0),
    ("empty", r.says(b""), "broken", 0),
    ("garbage", r.says(b"\0\1\2\3 no http at all\r\n\r\n"), "broken", 0),
    ("http09", r.says(b"<html>hello</html>"), "broken", 0),
    ("half_head", r.says(b"HTTP/1.1 200 OK\r\nContent-Le"), "broken", 0),
    ("no_end_of_head", r.says(b"HTTP/1.1 200 OK\r\nX: y\r\n"), "broken", 0),
    ("status_alone", r.says(b"HTTP/1.1 200 OK\r\n"), "broken", 0),
    ("half_head_after_interim", r.says(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"), "broken", 0),
    ("interim_alone", r.says(b"HTTP/1.1 103 Early Hints\r\n\r\n"), "broken", 0),
    ("until_the_end", r.says(b"HTTP/1.1 200 OK\r\n\r\nno length"), "answered", 200),
    ("trailer", r.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n"), "answered", 200),
    ("short_body", r.says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "broken", 0),
    ("bad_chunk", r.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broken", 0),
    ("bad_length", r.says(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "broken", 0),
    ("redirect", r.status(302, Location="http://127.0.0.1:1/elsewhere"), "answered", 302),
    ("redirect_file", r.status(301, Location="file:///etc/passwd"), "answered", 301),
    ("gone", r.status(410), "answered", 410),
    ("later", r.status(503, Retry_After="7"), "answered", 503),
    ("never", r.status(429, Retry_After="Fri, 31 Dec 2999 23:59:59 GMT"), "answered", 429),
    ("bomb", r.says(r.answer(200, b"\x1f\x8b" + bytes(1000), Content_Encoding="gzip")), "answered", 200),
    ("switch", r.says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "broken", 0),
]


def each_receiver_has_its_outcome():
    receivers = {name: r.Receiver(behave) for name, behave, _, _ in CASES}
    hole = held_port()
    # The table of ports has 16 places, as many as an operator may name.
    answers = {}
    names = list(receivers)
    for start in range(0, len(names), 15):
        some = names[start:start + 15]
        flags = [word for name in some for word in ("--port", str(receivers[name].port))] + ["--port", str(hole)]
        urls = [receivers[name].url() for name in some] + [f"http://127.0.0.1:{hole}/"]
        lines, rss = post(urls, *flags)
        assert rss < 120 * 1024, f"{rss} KiB"
        answers.update({line[0]: line for line in lines})
        assert answers[urls[-1]][1] == "no_connect", answers[urls[-1]]
    for name, _, end, status in CASES:
        line = answers[receivers[name].url()]
        if end is not None:
            assert (line[1], int(line[2])) == (end, status), (name, line)
        else:
            assert line[1] in ("timeout", "broken"), (name, line)
        assert int(line[4]) < DEADLINE_MS + 2000, (name, line)
        assert receivers[name].connections == 1, (name, receivers[name].connections)
    assert answers[receivers["later"].url()][3] == "7000"
    assert answers[receivers["never"].url()][3] == str(24 * 3600 * 1000)
    first, headers, body = receivers["good"].requests[0]
    assert first == "POST / HTTP/1.1" and body == b"b" * 100, first
    assert headers["content-type"] == "application/json" and headers["webhook-id"] == "msg_1", headers
    assert headers["x-none"] == "" and "expect" not in headers and "accept-encoding" not in headers, headers
    for receiver in receivers.values():
        receiver.close()


def the_bad_do_not_hold_up_the_good():
    bad, good = r.Receiver(r.slow), r.Receiver()
    urls = [bad.url(f"/{n}") for n in range(100)] + [good.url(f"/{n}") for n in range(100)]
    lines, rss = post(urls, "--port", str(bad.port), "--port", str(good.port), deadline_ms=10 * DEADLINE_MS)
    good_lines = [line for line in lines[:100]]
    assert all(line[1] == "answered" and f":{good.port}/" in line[0] for line in good_lines), "the good ones end first"
    assert sum(line[1] == "timeout" for line in lines) == 100
    assert rss < 200 * 1024, f"{rss} KiB"
    bad.close(), good.close()


def bodies_are_large_and_connections_used_again():
    good = r.Receiver()
    lines, _ = post([good.url()], "--port", str(good.port), "--body", str(3 << 20), "--turns", "20")
    assert [line[1] for line in lines] == ["answered"] * 20
    assert good.connections == 1 and len(good.requests) == 20, good.connections
    assert {len(body) for _, _, body in good.requests} == {3 << 20}
    good.close()


def the_rules_refuse_before_anything_is_sent():
    good = r.Receiver()
    urls = [good.url().replace("http", "ftp"), good.url().replace("//", "//u:p@"), "http://127.0.0.1:9/",
            good.url("/a b"), "file:///etc/passwd"]
    lines, _ = post(urls, "--port", str(good.port))
    assert [line[1] for line in lines] == ["bad_url"] * len(urls), lines
    out = subprocess.run([TOOL, "--http", "--port", str(good.port), good.url()], capture_output=True, text=True,
                         check=True).stdout
    assert "\tbad_url\t" in out and "not public" in out, out
    assert good.connections == 0
    good.close()


def proxies_of_the_environment_are_not_asked():
    good, proxy = r.Receiver(), r.Receiver()
    environment = {**os.environ, **{name: proxy.url() for name in
                                    ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY")}}
    subprocess.run([TOOL, "--http", "--allow", "127.0.0.0/8", "--port", str(good.port), "--port", str(proxy.port),
                    good.url()], env=environment, check=True, capture_output=True)
    assert (good.connections, proxy.connections) == (1, 0)
    good.close(), proxy.close()


def only_a_trusted_certificate_will_do(place):
    key, certificate = f"{place}/key.pem", f"{place}/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=x",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    good = r.Receiver(context=context)
    url, flags = good.url(scheme="https"), ["--port", str(good.port)]
    patience = {"deadline_ms": 30000}  # the system's certificates take a while to read
    assert post([url], *flags, **patience)[0][0][1] == "tls"
    assert post([url], *flags, "--ca", certificate, **patience)[0][0][1] == "answered"
    # The name must be the certificate's.
    other = post([good.url(scheme="https", host="localhost")], *flags, "--ca", certificate, **patience)[0][0]
    assert other[1] == "tls", other
    # Nor is a door without TLS taken for one that has it.
    clear = r.Receiver()
    assert post([clear.url(scheme="https")], "--port", str(clear.port))[0][0][1] in ("tls", "timeout")
    good.close(), clear.close()


def main():
    import tempfile
    begun = time.monotonic()
    each_receiver_has_its_outcome()
    the_bad_do_not_hold_up_the_good()
    bodies_are_large_and_connections_used_again()
    the_rules_refuse_before_anything_is_sent()
    proxies_of_the_environment_are_not_asked()
    with tempfile.TemporaryDirectory() as place:
        only_a_trusted_certificate_will_do(place)
    print(f"{len(CASES)} kinds of receivers in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
