#!/usr/bin/env python3
"""Sends every kind of unusable record to a daemon on a real broker, a good one after each.

Against a real Kafka broker (OUTREACH_TEST_BROKERS), with topics of its own. Each bad record goes to
partition 0 of the notices' topic and is followed there by the detention of a child's only adult.
What must hold:

  1. every bad record has exactly one dead letter, with its code,
  2. the original bytes are in it,
  3. every detention is decided: its referral is there, so nothing was blocked.

Needs python3 and kcat; no packages. The topics stay on the broker.

  OUTREACH_TEST_BROKERS=127.0.0.1:9092 scripts/dead-letters.py
"""

import argparse
import collections
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NOTICES = "department.notices"
STRUCTURED = ("content-type=application/cloudevents+json",)
DISTRICT = "310101"
TODAY = datetime.date.today()
# On the wall clock, in the daemon's zone, whatever the machine's.
NOW = f"{TODAY}T00:00:00+08:00"


def citizen(birth, number):
    """A citizen id of a region that was never assigned."""
    digits = f"310180{birth:%Y%m%d}{number:03d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights)) % 11]


def event(identity, kind, data, **attributes):
    whole = {"specversion": "1.0", "id": identity, "source": "urn:example:letters",
             "type": "cn.gov.sh.assist." + kind, "time": NOW, "data": data}
    whole.update(attributes)
    return {name: value for name, value in whole.items() if value is not None}


def custody(identity, person, **more):
    data = {"person": person, "state": "detained", "date": str(TODAY)}
    data.update(more)
    return event(identity, "notice.custody", data)


def bad_records():
    """Name, code of the dead letter, value (None is a null) and headers of each bad record."""
    person = citizen(datetime.date(1985, 6, 12), 500)
    wrong = person[:-1] + ("0" if person[-1] != "0" else "1")
    payment = {"person": person, "programme": "dibao", "date": str(TODAY), "amount": "1.234"}
    ahead = TODAY + datetime.timedelta(days=400)
    text = json.dumps
    yield "broken JSON", "json", '{"specversion": "1.0", "id": "b', STRUCTURED
    yield "a key twice", "json", '{"specversion":"1.0","specversion":"1.0"}', STRUCTURED
    yield "no id", "envelope", text({**custody("b", person), "id": ""}), STRUCTURED
    missing = custody("b", person)
    del missing["source"]
    yield "no source", "envelope", text(missing), STRUCTURED
    yield "a batch", "envelope", text([custody("b1", person)]), (
        "content-type=application/cloudevents-batch+json",)
    yield "a null value", "envelope", None, STRUCTURED
    large = {**custody("b2", person), "note": "x" * (2 << 20)}
    yield "2 MiB", "envelope", text(large), STRUCTURED
    yield "unknown type", "type", text(event("b3", "notice.weather", {})), STRUCTURED
    yield "type of another topic", "type", text(
        event("b4", "report.visit", {"about": {"id": person}})), STRUCTURED
    yield "wrong check character", "id", text(custody("b5", wrong)), STRUCTURED
    yield "fifteen digits", "id-15", text(custody("b6", "310180850612050")), STRUCTURED
    yield "impossible date", "date", text(custody("b7", person, date="2026-02-30")), STRUCTURED
    yield "unknown word", "enum", text(custody("b8", person, state="frozen")), STRUCTURED
    yield "no person", "schema", text(
        event("b9", "notice.custody", {"state": "detained", "date": str(TODAY)})), STRUCTURED
    yield "three decimals", "money", text(event("b10", "notice.payment", payment)), STRUCTURED
    yield "from the future", "time-in-future", text(
        {**custody("b11", person), "time": f"{ahead}T00:00:00+08:00"}), STRUCTURED


class Daemon:
    def __init__(self, binary, brokers, directory, prefix):
        self.binary, self.directory = binary, directory
        self.config = os.path.join(directory, "outreachd.yaml")
        self.process, self.progress = None, {}
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""kafka: {{brokers: {json.dumps(brokers.split(","))}, prefix: {prefix}, group: {prefix}, instance: a}}
topics: {{directory: {json.dumps(os.path.join(ROOT, "topics"))}, districts: ["{DISTRICT}"]}}
policy: {{directory: {json.dumps(os.path.join(ROOT, "config/policy"))}}}
state: {{directory: {json.dumps(os.path.join(directory, "state"))}}}
identifiers: {{development_key: true}}
logging: {{format: json, statistics: 250ms}}
""")

    def start(self):
        subprocess.run([self.binary, "topics", "apply", "--config", self.config],
                       check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [self.binary, "run", "--config", self.config], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        with open(os.path.join(self.directory, "log"), "wb") as log:
            for line in self.process.stderr:
                log.write(line)
                entry = json.loads(line) if line.startswith(b"{") else {}
                if entry.get("message") == "progress":
                    self.progress = entry

    def wait_until_quiet(self, records, limit):
        """Until so many records came in and all that follows from them is done."""
        end, quiet, before = time.time() + limit, 0, None
        while quiet < 8:
            if self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self.process.returncode}")
            if time.time() > end:
                raise RuntimeError(f"only {self.progress.get('in')} of {records} records came in")
            time.sleep(0.25)
            work = [self.progress.get(name) for name in ("in", "stages", "timers")]
            done = int(self.progress.get("in", 0)) >= records and work == before
            quiet, before = quiet + 1 if done else 0, work

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


def send(brokers, topic, value, headers, partition=None):
    words = ["kcat", "-P", "-b", brokers, "-t", topic, "-X", "message.max.bytes=8000000", "-D", "\x01"]
    if partition is not None:
        words += ["-p", str(partition)]
    if value is None:
        words += ["-Z", "-K", ":"]
    for header in headers:
        words += ["-H", header]
    # With -Z nothing behind the key is a null.
    subprocess.run(words, input=b"k:" if value is None else value.encode(), check=True)


def committed(brokers, topic):
    read = subprocess.run(
        ["kcat", "-b", brokers, "-C", "-e", "-q", "-o", "beginning", "-J",
         "-X", "isolation.level=read_committed", "-X", "fetch.message.max.bytes=8000000",
         "-t", topic], check=True, stdout=subprocess.PIPE)
    for line in read.stdout.decode("utf-8", "replace").splitlines():
        record = json.loads(line)
        flat = record.get("headers") or []
        yield record, dict(zip(flat[::2], flat[1::2]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/outreachd"))
    parser.add_argument("--keep", help="a directory for configuration, log and state")
    options = parser.parse_args()
    brokers = os.environ.get("OUTREACH_TEST_BROKERS", "")
    if not brokers:
        sys.exit("dead-letters: OUTREACH_TEST_BROKERS names no broker")
    directory = options.keep or tempfile.mkdtemp(prefix="dead-letters-")
    os.makedirs(directory, exist_ok=True)
    prefix = f"dl{int(time.time()) % 10_000_000}"
    daemon = Daemon(options.binary, brokers, directory, prefix)
    daemon.start()
    bad = list(bad_records())
    adults = []
    try:
        for number in range(len(bad)):
            adult = citizen(datetime.date(1985, 6, 12), 2 * number + 1)
            child = citizen(TODAY.replace(year=TODAY.year - 9, day=1), 2 * number + 2)
            adults.append(adult)
            household = {
                "household": f"L-{number}", "subdistrict": DISTRICT + "002",
                "committee": DISTRICT + "002003", "asOf": str(TODAY.replace(day=1)),
                "members": [{"id": adult, "relation": "02", "name": "测某甲"},
                            {"id": child, "relation": "20", "name": "测某乙"}]}
            send(brokers, f"{prefix}.household.registry",
                 json.dumps(event(f"h-{number}", "household.composition", household)), STRUCTURED)
        daemon.wait_until_quiet(len(bad), 60)
        for number, (_, _, value, headers) in enumerate(bad):
            send(brokers, f"{prefix}.{NOTICES}", value, headers, partition=0)
            send(brokers, f"{prefix}.{NOTICES}",
                 json.dumps(custody(f"good-{number}", adults[number])), STRUCTURED, partition=0)
        daemon.wait_until_quiet(3 * len(bad), 120)
    finally:
        if daemon.process.poll() is None:
            daemon.stop()
    sys.exit(judge(brokers, prefix, bad))


def judge(brokers, prefix, bad):
    letters = collections.defaultdict(list)
    for record, headers in committed(brokers, f"{prefix}.deadletters"):
        letters[int(headers["assist_original_offset"])].append((headers["assist_error_code"], record))
    problems = []
    for number, (name, code, value, _) in enumerate(bad):
        # Bad and good records take turns on the partition.
        found = letters.pop(2 * number, [])
        codes = [each for each, _ in found]
        kept = all((record["payload"] or None) == value for _, record in found)
        print(f"{name:24} {code:16} {', '.join(codes) or '-'}")
        if codes != [code] or not kept:
            problems.append(f"{name}: dead letters {codes}, original kept: {kept}")
    if letters:
        problems.append(f"dead letters of good records: {sorted(letters)}")
    decided = {headers["ce_id"].rsplit("/", 1)[0]
               for record, headers in committed(brokers, f"{prefix}.referrals.advisor.{DISTRICT}")}
    print(f"referrals of {len(bad)} detentions: {len(decided)}")
    if len(decided) < len(bad):
        problems.append(f"{len(bad)} detentions, but referrals of {len(decided)} only")
    for problem in problems:
        print(f"FAILED  {problem}")
    print("dead letters: " + ("NO" if problems else "yes"))
    return 1 if problems else 0


if __name__ == "__main__":
    main()
