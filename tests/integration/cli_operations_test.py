"""`weft operations cancel`: an act on many jobs ends where it stands, and who follows it is told."""

import json
import os
import sys

from support_cli import PATIENCE, Place, wait_for

JOBS = 1000


class Bench:
    def __init__(self, place):
        self.place = place
        self.dev = place.dev().ready()

    def weft(self, *words):
        return self.place.weft(*words, WEFT_BROKER=self.dev.at["zmq"])

    def json(self, *words):
        return json.loads(self.weft(*words, "-o", "json").stdout)


def acts_are_cancelled(bench):
    # One a second, so it goes on for as long as anybody may take to cancel it.
    jobs = '{"type": "nobody", "queue": "stopped"}\n' * JOBS
    assert bench.place.weft("push", "--bulk", "-", text=jobs, WEFT_BROKER=bench.dev.at["zmq"]).returncode == 0
    follower = bench.place.spawn("follower", "queue", "purge", "stopped", "--rate", "1", "--yes",
                                 WEFT_BROKER=bench.dev.at["zmq"])
    listed = lambda: [json.loads(line) for line in bench.weft("operations", "list", "-o", "json").stdout.splitlines()]
    wait_for("the act begins", lambda: any(one.get("queue") == "stopped" for one in listed()))
    last = listed()[0]
    cancelled = bench.weft("operations", "cancel", last["operation_id"])
    assert cancelled.returncode == 0 and cancelled.stdout.splitlines()[1].split()[1:3] == ["purge", "cancelled"], cancelled
    out, _ = follower.communicate(timeout=PATIENCE)
    with open(os.path.join(bench.place.path, "follower.log"), encoding="utf-8") as log:
        err = log.read()
    assert follower.returncode == 2 and " done" in out and "it was cancelled" in err, (follower.returncode, out, err)
    said = bench.json("operations", "cancel", last["operation_id"])
    assert (said["status"], said["cancelled_by"]) == ("cancelled", "cli"), said
    shown = bench.weft("operations", "show", last["operation_id"], "--wait")
    assert shown.returncode == 0 and " cancelled " in shown.stdout, shown
    rest = bench.json("queue", "purge", "stopped", "--yes")
    assert rest["done"] == JOBS - said["done"], (rest, said)
    late = bench.weft("operations", "cancel", rest["operation_id"])
    assert late.returncode == 1 and "the operation is over" in late.stderr, late
    unknown = bench.weft("operations", "cancel", "01890a5d-ac96-774b-bcce-b302099a8057")
    told = "weft operations cancel: no such operation, or over since long; check the id\n"
    assert (unknown.returncode, unknown.stderr) == (4, told), unknown
    unknown = bench.weft("batch", "cancel", "01890a5d-ac96-774b-bcce-b302099a8057", "--yes")
    assert (unknown.returncode, unknown.stderr) == (4, "weft batch cancel: no such batch; check the id\n"), unknown
    assert bench.weft("operations", "cancel", "nonsense").returncode == 64


def main():
    with Place() as place:
        acts_are_cancelled(Bench(place))


if __name__ == "__main__":
    sys.exit(main())
