"""`weft dev`: ready line, pid files, restarts at the same endpoints, stops, refusals."""

import os
import signal
import socket
import sys
import urllib.error
import urllib.request

from support_cli import Place, is_alive, wait_for


def http_status(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def serves(dev):
    return http_status(dev.at["http"] + "/readyz") == 200


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip()


def ready_line_names_real_endpoints(place):
    dev = place.dev(ports=(0, 0, 0, 0)).ready()
    for name in ("http", "zmq", "pub"):
        assert not dev.at[name].endswith(":0"), dev.at
    assert dev.at["http"].startswith("http://127.0.0.1:"), dev.at
    assert serves(dev)
    for name in ("broker", "gateway", "notify"):
        assert is_alive(dev.pid(name))
        wait_for(f"the name of {name}", lambda name=name: name_of(dev.pid(name)) == f"weft-{name}")  # it gives it to itself


def next_commands_follow(place):
    dev = place.dev().ready()
    text = "".join(dev.process.stdout.readline() for _ in range(6))
    assert f"curl -s {dev.at['http']}/v1/jobs" in text, text
    assert f"weft push hello --broker {dev.at['zmq']}" in text, text
    assert f"weft worker hello --broker {dev.at['zmq']}" in text, text


def killed_children_come_back_at_the_same_place(place):
    dev = place.dev().ready()
    for name in ("broker", "gateway", "notify", "broker", "gateway", "broker", "broker", "broker", "broker"):
        old = dev.pid(name)
        os.kill(old, signal.SIGKILL)
        wait_for(f"a new {name}", lambda old=old, name=name: dev.pid(name) not in (0, old))
    wait_for("both doors", lambda: serves(dev))
    answer = place.weft("push", "hello", "1", "--broker", dev.at["zmq"])
    assert answer.returncode == 0, answer.stderr
    assert dev.process.poll() is None


def sigterm_stops_everything(place):
    for number in (signal.SIGTERM, signal.SIGINT):
        dev = place.dev().ready()
        pids = [dev.pid("broker"), dev.pid("gateway"), dev.pid("notify")]
        dev.process.send_signal(number)
        assert dev.process.wait(timeout=30) == 0
        assert not any(is_alive(pid) for pid in pids)
        assert dev.pid("broker") == dev.pid("gateway") == dev.pid("notify") == 0


def children_die_with_a_killed_dev(place):
    first = place.dev().ready()
    pids = [first.pid("broker"), first.pid("gateway")]
    first.process.kill()
    first.process.wait()
    # At once: the old children may still hold their stores, and their pid files are stale.
    second = place.dev("second").ready()
    assert not any(is_alive(pid) for pid in pids)
    assert second.pid("broker") not in pids
    assert serves(second)


def second_dev_is_refused(place):
    dev = place.dev().ready()
    second = place.weft("dev", "--data", "data", "--http", "127.0.0.1:0")
    assert second.returncode == 1, second
    assert "another process serves data" in second.stderr, second.stderr
    assert second.stdout == ""
    assert serves(dev)


def taken_port_ends_it_with_a_sentence(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for key, program in (("--zmq", "broker"), ("--http", "gateway")):
            value = "tcp://" + address if key == "--zmq" else address
            free = ["--zmq", "tcp://127.0.0.1:0", "--pub", "tcp://127.0.0.1:0", "--http",
                    "127.0.0.1:0"]
            answer = place.weft("dev", "--data", "data", *free, key, value)
            assert answer.returncode == 1, answer
            assert f"the {program} did not start" in answer.stderr, answer.stderr
            assert "error=address-in-use" in answer.stderr, answer.stderr
            assert f"{key} {value}: address in use; " in answer.stderr, answer.stderr
            assert "or give port 0" in answer.stderr, answer.stderr
            assert "ready" not in answer.stdout


def settings_reach_the_children(place):
    with open(os.path.join(place.path, "weft.zpl"), "w", encoding="ascii") as file:
        file.write("dev\n    http = 127.0.0.1:0\n    zmq = tcp://127.0.0.1:0\n"
                   "    pub = tcp://127.0.0.1:0\n    data = elsewhere\n"
                   "broker\n    key-count-max = 777777\n")
    process = place.spawn("dev", "dev", "--config", "weft.zpl", WEFT_JOB_COUNT_MAX="4242")
    assert process.stdout.readline().startswith("ready ")
    with open(os.path.join(place.path, "dev.log"), encoding="utf-8") as file:
        log = file.read()
    assert "jobs_max=4242" in log and "keys_max=777777" in log, log
    assert os.path.exists(os.path.join(place.path, "elsewhere", "run", "broker.pid"))


def usage_is_64(place):
    answer = place.weft("dev", "--htpp", "127.0.0.1:0")
    assert answer.returncode == 64 and "did you mean --http?" in answer.stderr, answer
    answer = place.weft("dev", "--http", "nonsense")
    assert answer.returncode == 64 and "--http" in answer.stderr, answer


def main():
    for test in (ready_line_names_real_endpoints, next_commands_follow,
                 killed_children_come_back_at_the_same_place, sigterm_stops_everything,
                 children_die_with_a_killed_dev, second_dev_is_refused,
                 taken_port_ends_it_with_a_sentence, settings_reach_the_children, usage_is_64):
        with Place() as place:
            test(place)
        print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
