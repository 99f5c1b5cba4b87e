"""The moments of expressions against Python's zoneinfo, minute by minute, around changes of the clock."""

import datetime as dt
import json
import os
import subprocess
import unittest
import zoneinfo

UTC = dt.timezone.utc
MINUTE = dt.timedelta(minutes=1)

# Days around which the clock is set, in each zone.
DAYS = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25", "2050-03-27"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22", "2030-12-22"],
    "UTC": ["2026-03-29"],
    "America/Santiago": ["2026-04-05", "2026-09-06"],
    "Asia/Kathmandu": ["1986-01-01"],
    "Pacific/Apia": ["2011-12-30"],
}
EXPRESSIONS = ["30 2 * * *", "*/15 * * * *", "0 0 * * *", "0,30 1-3 * * *", "5 */6 * * sun", "59 23 * * *",
               "15 2 29-31 * 0", "0 3 * 3,4,10,11 *"]


class Field:
    """One field, read by the plainest rules; enough for the expressions above."""

    def __init__(self, text, least, most):
        self.restricts = not text.startswith("*")
        self.values = set()
        for part in text.replace("sun", "0").split(","):
            span, _, step = part.partition("/")
            low, _, high = span.partition("-")
            low, high = (least, most) if span == "*" else (int(low), int(high or low))
            self.values |= set(range(low, high + 1, int(step or 1)))


def matcher(expression):
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    minute, hour, day, month, weekday = (Field(t, *b) for t, b in zip(expression.split(), bounds))

    def matches(local):
        by_day, by_weekday = local.day in day.values, local.isoweekday() % 7 in weekday.values
        is_day = by_day or by_weekday if day.restricts and weekday.restricts else by_day and by_weekday
        return is_day and local.minute in minute.values and local.hour in hour.values and local.month in month.values

    return matches


def clock(zone, begin, end):
    """What the clock shows at each minute."""
    zone = zoneinfo.ZoneInfo(zone)
    at = begin - dt.timedelta(days=2)
    while at < end:
        local = at.astimezone(zone).replace(tzinfo=None)
        # Offsets of the years before 1972 have seconds; none of the days above is there.
        assert local.second == 0
        yield at, local
        at += MINUTE


def walk(expression, shown, begin):
    """Looks at the clock each minute: a moment is when it first reaches a matching one."""
    matches = matcher(expression)
    farthest, found = None, []
    for at, local in shown:
        if farthest is not None and at > begin:
            step, is_match = farthest + MINUTE, False
            while step <= local:
                is_match = is_match or matches(step)
                step += MINUTE
            if is_match:
                found.append(at)
        farthest = local if farthest is None else max(farthest, local)
    return found


def told(expression, zone, after, count):
    done = subprocess.run([os.environ["WEFT_BIN"], "schedule", "next", expression, "--zone", zone, "--after",
                           after.strftime("%Y-%m-%dT%H:%M:%SZ"), "--next", str(count), "-o", "json"],
                          capture_output=True, check=True)
    return [dt.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in json.loads(done.stdout)["next"]]


class Clock(unittest.TestCase):
    def test_moments_are_those_of_the_clock(self):
        for zone, days in DAYS.items():
            for day in days:
                begin = dt.datetime.fromisoformat(day).replace(tzinfo=UTC) - dt.timedelta(days=1)
                shown = list(clock(zone, begin, begin + dt.timedelta(days=3)))
                for expression in EXPRESSIONS:
                    with self.subTest(zone=zone, day=day, expression=expression):
                        expected = walk(expression, shown, begin)[:100]
                        if expected:
                            self.assertEqual(told(expression, zone, begin, len(expected)), expected)

    def test_next_says_what_is_wrong(self):
        for words, said in ((["* * * *"], "five fields"), (["@daily", "--zone", "Mars/Olympus"], "no such time zone"),
                            (["@daily", "--after", "noon"], "moment")):
            done = subprocess.run([os.environ["WEFT_BIN"], "schedule", "next", *words], capture_output=True)
            self.assertEqual(done.returncode, 64)
            self.assertIn(said, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
