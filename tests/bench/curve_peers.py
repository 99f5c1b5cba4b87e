"""What connecting peers cost the broker: processor time and memory for 1,000 of them, in the clear and with keys.

  curve_peers.py [peers]        prints one line of JSON
"""

import json
import os
import pathlib
import sys
import tempfile

import zmq

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("WEFT_BIN", str(ROOT / "build" / "release" / "weft"))

from lib_broker import Broker, Peer, pb  # noqa: E402
from lib_keys import Keys  # noqa: E402


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cost(count, is_keyed, place):
    """(CPU seconds, resident bytes) of `count` peers that connect and are welcomed, 100 at a time."""
    keys = Keys(os.path.join(place, "certs"))
    key = keys.new("peers") if is_keyed else None
    broker = Broker(os.path.join(place, "broker"), *(("--keys", keys.dir) if is_keyed else ()))
    peers = []
    try:
        warm = Peer(broker.zmq, key=key)
        warm.ask(pb.List())
        cpu, memory = cpu_seconds(broker.process), resident(broker.process)
        for begun in range(0, count, 100):
            fresh = [Peer(broker.zmq, key=key, hello=False) for _ in range(min(100, count - begun))]
            asked = [peer.send(pb.Hello(role=peer.role, name="bench", session=peer.session)) for peer in fresh]
            for peer, corr in zip(fresh, asked):
                peer.answer(corr)
            peers += fresh
        return cpu_seconds(broker.process) - cpu, resident(broker.process) - memory
    finally:
        for peer in peers:
            peer.close()
        broker.close()


def measure(figures, count=1000):
    zmq.Context.instance().max_sockets = count + 64
    for name, is_keyed in (("in the clear", False), ("with keys", True)):
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as place:
            seconds, memory = cost(count, is_keyed, place)
        figures[f"weft broker's CPU, ms for {count:,} connecting peers, {name}"] = seconds * 1000
        figures[f"weft broker's memory, bytes a connected peer, {name}"] = memory / count


if __name__ == "__main__":
    found = {}
    measure(found, int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    print(json.dumps(found))
