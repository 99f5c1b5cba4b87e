"""Addresses that a webhook may not reach, through names, numbers and a resolver that changes its mind: no
connection arrives at a forbidden address. It is counted there, by listeners that hold every address.

Runs in a network of its own where all addresses of the world are this machine's: what the sender connects
to is accepted, whatever it is, and its number is noted."""

import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from lib_skip import SKIPPED

TOOL = os.path.join(os.environ["WEFT_BUILD"], "tests", "hook_post")
PUBLIC, PUBLIC6 = "93.184.216.34", "2606:2800:220:1::1"
FORBIDDEN = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
             "0.0.0.0", "192.0.0.192", "198.18.0.1", "168.63.129.16", "192.0.2.1", "203.0.113.1", "240.0.0.1"]
FORBIDDEN6 = ["::1", "::", "fd00:ec2::254", "fc00::1", "fe80::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
              "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
              "2001:0:53aa:64c::1", "2001:db8::1", "100::1", "::ffff:0:7f00:1", "2606:4700::5efe:7f00:1"]
LITERALS = ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]",
            "169.254.169.254", "0xa9fea9fe", "[fd00:ec2::254]", "0", "[::]", "localhost", "127.0.0.1", "10.0.0.1"]
SEED = random.randrange(1 << 32)


class Listeners:
    """Accepts at every address of IPv4 and IPv6, and notes which it was."""

    def __init__(self):
        self.seen, self.lock = [], threading.Lock()
        self.sockets = []
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((host, 80))
            listener.listen(512)
            self.sockets.append(listener)
            threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        while True:
            connection, _ = listener.accept()
            with self.lock:
                self.seen.append(connection.getsockname()[0])
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    @staticmethod
    def answer(connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Resolver:
    """A DNS server on 127.0.0.1 whose names say what they answer; `rebind` names change with every question."""

    def __init__(self):
        self.names, self.asked, self.is_silent = {}, {}, False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def add(self, name, *turns):
        """One list of addresses for each question, the last one for all further ones."""
        self.names[name] = turns
        return name

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not self.is_silent:
                self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])
        turns = self.names.get(name, ([],))
        # One question for each kind of address is one turn.
        turn = self.asked.get((name, kind), 0)
        self.asked[name, kind] = turn + 1
        addresses = turns[min(turn, len(turns) - 1)]
        records = []
        for address in addresses:
            is_v6 = ":" in address
            if kind == (28 if is_v6 else 1):
                data = socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, address)
                records.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data)
        code = 0x8180 if name in self.names else 0x8183
        return query[:2] + struct.pack(">HHHHH", code, 1, len(records), 0, 0) + query[12:at + 5] + b"".join(records)


def post(urls, *flags):
    out = subprocess.run([TOOL, "--http", "--port", "80", "--deadline", "3000", *flags, *urls], capture_output=True,
                         text=True, timeout=120, check=True).stdout
    return [line.split("\t", 5) for line in out.splitlines()[:-1]]


def expect(lines, *ends):
    for line in lines:
        assert line[1] in ends, line


def run():
    listeners, resolver = Listeners(), Resolver()
    chance = random.Random(SEED)
    cases = 0

    def url(name):
        return f"http://{name}/"

    # The public ones are reached, or the rest would prove nothing.
    good = [url(resolver.add("good4.test", [PUBLIC])), url(resolver.add("good6.test", [PUBLIC6])), url(PUBLIC),
            url(f"[{PUBLIC6}]")]
    expect(post(good), "answered")
    assert sorted(set(listeners.seen)) == sorted({PUBLIC, PUBLIC6}), listeners.seen
    reached = len(listeners.seen)
    assert reached == len(good)

    literals = [url(text) for text in LITERALS]
    expect(post(literals), "bad_url", "forbidden")
    plain = [url(resolver.add(f"f{n}.test", [address])) for n, address in enumerate(FORBIDDEN + FORBIDDEN6)]
    expect(post(plain), "forbidden")
    crowd = [url(resolver.add(f"c{n}.test", chance.sample(FORBIDDEN + FORBIDDEN6, 4))) for n in range(60)]
    expect(post(crowd), "forbidden", "no_host")
    # A name that nobody has is one receiver's trouble: libcurl's handle is used again, for others, too.
    in_turns = post([url("nobody.test"), good[0]], "--turns", "3")
    expect([line for line in in_turns if "nobody" in line[0]], "no_host")
    expect([line for line in in_turns if "good4" in line[0]], "answered")
    assert len(in_turns) == 6, in_turns
    reached += 3
    cases += len(literals) + len(plain) + len(crowd)
    assert len(listeners.seen) == reached, listeners.seen

    # First a good answer, then bad ones: for a check that asks by itself before it connects.
    first_good = [url(resolver.add(f"g{n}.test", [PUBLIC], [address])) for n, address in
                  enumerate(FORBIDDEN + FORBIDDEN6)]
    expect(post(first_good), "answered")
    expect(post(first_good), "forbidden")
    first_bad = [url(resolver.add(f"b{n}.test", [address], [PUBLIC])) for n, address in
                 enumerate(FORBIDDEN + FORBIDDEN6)]
    expect(post(first_bad), "forbidden")
    # Both at once: only the good one is used.
    mixed = [url(resolver.add(f"m{n}.test", [address, PUBLIC] if n % 2 else [PUBLIC6, address]))
             for n, address in enumerate(FORBIDDEN + FORBIDDEN6)]
    expect(post(mixed), "answered")
    # The same process, again and again, with answers that change: names are looked up anew.
    flapping = [url(resolver.add(f"x{n}.test", *[[chance.choice([PUBLIC] + FORBIDDEN)] for _ in range(6)]))
                for n in range(40)]
    for _ in range(6):
        expect(post(flapping), "answered", "forbidden")
    cases += len(first_good) * 2 + len(first_bad) + len(mixed) + 6 * len(flapping)
    bad = [address for address in listeners.seen if address not in (PUBLIC, PUBLIC6)]
    assert bad == [], f"seed {SEED}: connections arrived at {bad}"

    # What an operator allows is reached, and nothing else is.
    lines = post([url("10.0.0.1"), url("10.0.0.2")], "--allow", "10.0.0.1")
    assert {line[0]: line[1] for line in lines} == {url("10.0.0.1"): "answered", url("10.0.0.2"): "bad_url"}, lines
    assert listeners.seen[-1] == "10.0.0.1"

    # A resolver that says nothing holds up nobody.
    resolver.is_silent = True
    lines = post([url("silent.test"), url(PUBLIC)], "--deadline", "1500")
    assert [line[:2] for line in lines] == [[url(PUBLIC), "answered"], [url("silent.test"), "timeout"]], lines
    assert cases >= 150, cases
    print(f"{cases} cases, {len(listeners.seen)} connections, none to a forbidden address")


def enter():
    """A network, and files of our own in the place of those that say how to resolve."""
    place = tempfile.mkdtemp(prefix="weft-rebinding-")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1 timeout:5\n"),
                       ("hosts", "127.0.0.1 localhost\n::1 localhost\n"), ("nsswitch.conf", "hosts: files dns\n")):
        with open(f"{place}/{name}", "w", encoding="utf-8") as out:
            out.write(text)
    script = ('set -e\nfor f in resolv.conf hosts nsswitch.conf; do '
              'if [ -e /etc/$f ]; then mount --bind "$0/$f" "$(readlink -f /etc/$f)"; fi; done\n'
              "ip link set lo up\nip route add local 0.0.0.0/0 dev lo\nip -6 route add local ::/0 dev lo\n"
              'exec "$@"')
    command = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-c", script, place]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: no network namespace may be made here")
        return SKIPPED
    return subprocess.run([*command, sys.executable, __file__, "inside"], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        run()
    else:
        sys.exit(enter())
