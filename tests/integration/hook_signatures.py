"""Signatures as a receiver's own library judges them: the package `standardwebhooks` from npm."""

import base64
import json
import os
import random
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTRACT = f"{ROOT}/tests/contract"
TOOL = os.path.join(os.environ["WEFT_BUILD"], "tests", "hook_sign")


def secret_text(secret):
    return "whsec_" + base64.b64encode(secret).decode()


def sign(message_id, at_ms, body, *secrets):
    out = subprocess.run([TOOL, message_id, str(at_ms), body, *[secret.hex() for secret in secrets]],
                         capture_output=True, text=True, check=True).stdout.splitlines()
    return {"webhook-id": message_id, "webhook-timestamp": out[0], "webhook-signature": out[1]}


def judge(cases):
    """cases: (secret, headers, body). What the library says of each."""
    lines = "".join(json.dumps({"secret": secret_text(secret), "headers": headers, "body": body}) + "\n"
                    for secret, headers, body in cases)
    return subprocess.run(["node", f"{CONTRACT}/verify_webhooks.js"], input=lines, capture_output=True, text=True,
                          check=True, timeout=60).stdout.splitlines()


def main():
    if not os.path.isdir(f"{CONTRACT}/node_modules/standardwebhooks"):
        raise SystemExit("standardwebhooks is missing: run 'make deps'")
    chance = random.Random(7)
    now = int(time.time() * 1000)
    old, new, other = (chance.randbytes(32) for _ in range(3))
    message_id = "0193b3a8-7c1d-8000-8000-0123456789ab"
    body = '{"type":"job.succeeded","data":{"text":"ä € 😀 \\u0000 \\"quoted\\""}}'
    one, both = sign(message_id, now, body, new), sign(message_id, now, body, new, old)
    good = [(new, one, body), (new, both, body), (old, both, body)]
    for length in (1, 24, 64, 100):
        secret = chance.randbytes(length)
        good.append((secret, sign(message_id, now, body, secret), body))
    tampered = [
        (new, one, body + " "), (new, one, body.replace("succeeded", "dead")), (other, one, body), (other, both, body),
        (old, one, body), (new, {**one, "webhook-id": message_id[:-1] + "c"}, body),
        (new, {**one, "webhook-timestamp": str(int(one["webhook-timestamp"]) + 1)}, body),
        (new, {**one, "webhook-signature": one["webhook-signature"].replace("v1,", "v2,")}, body),
        (new, {**one, "webhook-signature": one["webhook-signature"][:-5] + "AAAA="}, body),
        (new, sign(message_id, now - 3600 * 1000, body, new), body),
        (new, {name: value for name, value in one.items() if name != "webhook-id"}, body),
    ]
    verdicts = judge(good + tampered)
    assert len(verdicts) == len(good) + len(tampered), verdicts
    assert verdicts[:len(good)] == ["ok"] * len(good), verdicts
    assert "ok" not in verdicts[len(good):], verdicts
    print(f"{len(good)} verified, {len(tampered)} refused: {sorted(set(verdicts[len(good):]))}")


if __name__ == "__main__":
    main()
