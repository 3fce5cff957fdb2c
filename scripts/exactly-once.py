#!/usr/bin/env python3
"""Compares what a killed and rebalanced daemon publishes with what `replay` says.

Against a real Kafka broker (OUTREACH_TEST_BROKERS): a synthetic city is sent to fresh topics while
the daemon works; the daemon is killed with SIGKILL at random moments, and a second instance joins
and leaves. Then every output topic is read as a read_committed reader sees it, and must show:

  1. no (identifier, revision) twice,
  2. no revision missing,
  3. every dead letter once, and as many as there were bad records (of feedback on unknown referrals,
     those of the same events as in replay: a copy that comes while the first is on its way is a
     duplicate, later it is rejected again),
  4. the same open referrals (rule, household, subject, receiver) as `replay` of the same input,
     after a month in which every deadline has passed.

It also prints how long each start took to its first processed record. Needs python3 and kcat; no
packages. Topics are named after the run and stay on the broker.

  OUTREACH_TEST_BROKERS=127.0.0.1:9092 scripts/exactly-once.py
  OUTREACH_TEST_BROKERS=127.0.0.1:9092 scripts/exactly-once.py --households 2000 --events 20000
"""

import argparse
import base64
import collections
import datetime
import heapq
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEOPLE_PER_HOUSEHOLD = 2.5
CITY_START = datetime.date(2026, 1, 1)
OPEN_STATES = {"requested", "accepted", "in-progress"}


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def fail(text):
    print(f"exactly-once: {text}", file=sys.stderr)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=200_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=2,
                        help="few days make the time that passes during a kill short")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--rebalances", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="threads of each instance")
    parser.add_argument("--rate", type=int, default=4_000,
                        help="events a second after the initial load; 0 sends all before the start")
    parser.add_argument("--seed", type=int, default=1, help="of the city and of the moments")
    parser.add_argument("--limit", type=int, default=3600, help="seconds for the whole run")
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/outreachd"))
    parser.add_argument("--keep", help="a directory for configuration, logs and input")
    options = parser.parse_args()
    options.brokers = os.environ.get("OUTREACH_TEST_BROKERS", "")
    if not options.brokers:
        fail("OUTREACH_TEST_BROKERS names no broker")
    if not os.access(options.binary, os.X_OK):
        fail(f"{options.binary} is not there: make build")
    return options


class Instance:
    """One daemon process, started again after it was killed."""

    def __init__(self, run, name, static):
        self.run, self.name = run, name
        self.log = os.path.join(run.directory, f"{name}.log")
        self.config = os.path.join(run.directory, f"{name}.yaml")
        self.process = None
        self.processed = self.lag = self.work = None
        self.first_records = []
        self.assigned = False
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""kafka:
  brokers: [{", ".join(json.dumps(b) for b in run.options.brokers.split(","))}]
  prefix: {run.prefix}
  group: {run.prefix}
  instance: {name}
  static_membership: {"true" if static else "false"}
  session_timeout: 10s
topics:
  directory: {json.dumps(os.path.join(ROOT, "topics"))}
  districts: [{", ".join(json.dumps(code) for code in run.districts)}]
policy: {{directory: {json.dumps(os.path.join(ROOT, "config/policy"))}}}
state: {{directory: {json.dumps(os.path.join(run.directory, "state-" + name))}}}
identifiers: {{development_key: true}}
# Deadlines fire as events pass them, as they do in replay.
clock: event
# A backlog is put into order poll by poll.
workers: {{count: {run.options.workers}, poll_records: 20000}}
logging: {{format: json, statistics: 250ms}}
""")

    def start(self):
        self.processed, self.lag, self.work = 0, None, None
        output = open(self.log, "ab")
        self.process = subprocess.Popen(
            [self.run.options.binary, "run", "--config", self.config],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)
        threading.Thread(
            target=self._follow, args=(self.process, output), daemon=True).start()

    def _follow(self, process, output):
        for line in process.stderr:
            output.write(line)
            output.flush()
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("message") == "first record processed":
                self.first_records.append(int(entry["millisecondsSinceStart"]))
            elif entry.get("message") == "partitions assigned":
                self.assigned = True
            elif entry.get("message") == "progress" and process is self.process:
                self.processed = int(entry["in"])
                self.lag = int(entry["lag"])
                self.work = tuple(int(entry[name]) for name in ("in", "stages", "timers"))

    def wait_for_partitions(self):
        while not self.assigned:
            self.check()
            time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=120)
        if code != 0:
            raise RuntimeError(f"instance {self.name} ended with {code}, see {self.log}")

    def check(self):
        if self.process.poll() is not None:
            raise RuntimeError(
                f"instance {self.name} ended with {self.process.returncode}, see {self.log}")


class Run:
    def __init__(self, options):
        self.options = options
        self.began = time.time()
        self.random = random.Random(options.seed)
        self.prefix = f"eo{int(time.time()) % 10_000_000}"
        self.directory = options.keep or tempfile.mkdtemp(prefix="exactly-once-")
        os.makedirs(self.directory, exist_ok=True)
        self.districts = districts()
        self.problems = []
        self.a = Instance(self, "a", static=True)
        self.b = Instance(self, "b", static=False)

    def path(self, name):
        return os.path.join(self.directory, name)

    def outreachd(self, *words, **more):
        return subprocess.run([self.options.binary, *words], check=True, **more)

    def city(self, events=None):
        o = self.options
        return ["simulate", "--people", str(int(o.households * PEOPLE_PER_HOUSEHOLD)),
                "--days", str(o.days), "--start", str(CITY_START), "--events", str(events or o.events),
                "--seed", str(o.seed)]

    # Steps

    def prepare(self):
        say(f"run {self.prefix}, files in {self.directory}")
        code = subprocess.run(
            [self.options.binary, "topics", "apply", "--config", self.a.config],
            stdout=subprocess.DEVNULL).returncode
        if code not in (0, 1):
            fail(f"topics apply ended with {code}")

    def send_load(self):
        """Sends what is known of everybody before the city's life, and waits until it is consumed.

        The load tells six hours in a few seconds. A rule that opens only until a date rightly
        stays closed where the load is read after that date, so life must not overtake it. The
        city sends the load again, as duplicates.
        """
        counts = self.path("load.json")
        self.outreachd(*self.city(), "--counts-out", counts, stdout=subprocess.DEVNULL)
        with open(counts, encoding="utf-8") as file:
            load = json.load(file)["load"]
        say(f"sending the initial load, {load:,} records")
        sender = subprocess.Popen(
            [self.options.binary, *self.city(load), "--brokers", self.options.brokers,
             "--prefix", self.prefix], stdin=subprocess.DEVNULL)
        self.settle(sender)

    def send(self):
        words = self.city() + ["--brokers", self.options.brokers, "--prefix", self.prefix,
                               "--counts-out", self.path("counts.json"),
                               "--directory-out", self.path("directory.ndjson")]
        if self.options.rate:
            words += ["--rate", str(self.options.rate)]
        say("sending the city to Kafka")
        return subprocess.Popen([self.options.binary, *words], stdin=subprocess.DEVNULL)

    def disturb(self, sender):
        """Kills and rebalances at random shares of the way."""
        o = self.options
        actions = ["kill"] * o.kills + ["rebalance"] * o.rebalances
        self.random.shuffle(actions)
        # One in each of as many equal parts of the city's life.
        moments = [0.35 + (i + self.random.uniform(0.1, 0.9)) / len(actions) * 0.62
                   for i in range(len(actions))]
        done = 0
        for number, (action, moment) in enumerate(zip(actions, moments), 1):
            while done + self.a.processed < moment * o.events:
                self.guard(sender)
                # Once everything is in, the rest of the disturbances follow one upon the other.
                if self.is_idle(sender):
                    break
                time.sleep(0.1)
            time.sleep(self.random.uniform(0, 1.0))
            done += self.a.processed
            say(f"{number}/{len(actions)} {action} after about {done:,} events")
            if action == "kill":
                self.a.kill()
                self.a.start()
            else:
                self.rebalance()
            self.a.processed = 0

    def rebalance(self):
        """A second instance joins, works for a while, and leaves."""
        self.b.start()
        until = time.time() + self.random.uniform(8, 15)
        while time.time() < until:
            self.a.check()
            self.b.check()
            time.sleep(0.2)
        self.b.stop()

    def drain(self, sender):
        """Waits until everything is consumed, internal topics included, and lets time pass."""
        self.settle(sender)
        say("a month passes")
        self.pass_time()
        self.settle(sender)
        self.a.stop()
        if sender.returncode != 0:
            fail(f"simulate ended with {sender.returncode}")

    def pass_time(self):
        """An event about a stranger, a month later: every deadline in between comes due."""
        late = CITY_START + datetime.timedelta(days=self.options.days + 30)
        event = {
            "specversion": "1.0", "id": "clock", "source": "urn:example:clock",
            "type": "cn.gov.sh.assist.notice.payment", "time": f"{late}T12:00:00+08:00",
            "data": {"person": "310180194001010031", "programme": "dibao", "date": str(late),
                     "amount": "1.00"}}
        subprocess.run(
            ["kcat", "-P", "-b", self.options.brokers, "-t", self.prefix + ".department.notices",
             "-H", "content-type=application/cloudevents+json"],
            input=json.dumps(event).encode(), check=True)

    def settle(self, sender):
        quiet = 0
        before = None
        while quiet < 8:
            self.guard(sender)
            time.sleep(1)
            quiet = quiet + 1 if self.is_idle(sender) and self.a.work == before else 0
            before = self.a.work

    def is_idle(self, sender):
        return sender.poll() is not None and self.a.lag == 0

    def guard(self, sender):
        self.a.check()
        if sender.poll() not in (None, 0):
            raise RuntimeError(f"simulate ended with {sender.returncode}")
        if time.time() - self.began > self.options.limit:
            raise RuntimeError("out of time")

    def topics(self, pattern):
        """Names and partitions of the run's topics that match."""
        listing = subprocess.run(
            ["kcat", "-b", self.options.brokers, "-L", "-J"], check=True, capture_output=True)
        matches = re.compile(re.escape(self.prefix) + r"\." + pattern)
        return [(topic["topic"], len(topic["partitions"]))
                for topic in sorted(json.loads(listing.stdout)["topics"], key=lambda t: t["topic"])
                if matches.fullmatch(topic["topic"])]

    def kcat(self, topic, *words):
        """The lines of a reader of everything that is committed."""
        with subprocess.Popen(
                ["kcat", "-b", self.options.brokers, "-C", "-e", "-q", "-o", "beginning",
                 "-X", "isolation.level=read_committed", "-t", topic, *words],
                stdout=subprocess.PIPE) as reader:
            yield from reader.stdout
        if reader.returncode != 0:
            fail(f"kcat could not read {topic}")

    def input(self):
        """Writes the in-topics as lines, in the order in which they were sent."""
        say("reading the input back")

        def records(topic, partition):
            # Timestamp, length (-1 for null), value: no value has a line break.
            for line in self.kcat(topic, "-p", str(partition), "-f", "%T %S %s\\n"):
                timestamp, length, value = line.split(b" ", 2)
                if length != b"-1":
                    yield int(timestamp), value

        pattern = (r"(window\.transactions|department\.notices|household\.registry|"
                   r"assistance\.decisions|field\.reports|referral\.feedback)")
        streams = [records(topic, partition) for topic, count in self.topics(pattern)
                   for partition in range(count)]
        with open(self.path("events.ndjson"), "wb") as file:
            for _, value in heapq.merge(*streams, key=lambda record: record[0]):
                file.write(value)

    def replay(self):
        self.input()
        say("replaying")
        with open(self.path("events.ndjson"), "rb") as lines:
            with open(self.path("replay.ndjson"), "wb") as out:
                self.outreachd(
                    "replay", "--policy", os.path.join(ROOT, "config/policy"), "--directory",
                    self.path("directory.ndjson"), "--prefix", self.prefix, stdin=lines, stdout=out)
        with open(self.path("replay.ndjson"), encoding="utf-8") as out:
            for line in out:
                entry = json.loads(line)
                event = entry["event"] or {}
                value = base64.b64decode(event["bytes"]) if "bytes" in event else event.get("data")
                yield entry["topic"], entry["headers"], value

    def committed(self):
        """Every record of every output topic, as a read_committed reader gets it."""
        for name, _ in self.topics(r"(referrals\..*|alerts\..*|decisions|deadletters)"):
            for line in self.kcat(name, "-J"):
                record = json.loads(line.decode("utf-8", "replace"))
                flat = record.get("headers") or []
                headers = dict(zip(flat[::2], flat[1::2]))
                is_letter = name.endswith(".deadletters")
                payload = record["payload"]
                yield name, headers, payload if is_letter else json.loads(payload)

    # Judgement

    def judge(self):
        say("reading what was committed")
        seen = Published(self.prefix)
        for record in self.committed():
            seen.add(*record)
        expected = Published(self.prefix)
        for record in self.replay():
            expected.add(*record)
        self.expect(not seen.repeated, f"{len(seen.repeated)} (identifier, revision) twice: "
                    f"{seen.repeated[:3]}")
        gaps = seen.gaps()
        self.expect(not gaps, f"{len(gaps)} identifiers with a revision missing: {gaps[:3]}")
        letters = seen.letters
        twice = [place for place, count in letters.items() if count > 1]
        self.expect(not twice, f"{len(twice)} dead letters twice: {twice[:3]}")
        with open(self.path("counts.json"), encoding="utf-8") as file:
            bad = bad_records(json.load(file))
        found = len(letters) - sum(seen.unknown.values())
        self.expect(found == bad, f"{found} dead letters of {bad} bad records")
        differ = set(seen.unknown) ^ set(expected.unknown)
        self.expect(not differ, f"feedback rejected differently: {sorted(differ)[:3]}")
        missing = expected.open_referrals() - seen.open_referrals()
        extra = seen.open_referrals() - expected.open_referrals()
        self.expect(
            not missing and not extra,
            f"open referrals: {sum(missing.values())} only in replay, {sum(extra.values())} only "
            f"in Kafka; first {list(missing)[:2]} / {list(extra)[:2]}")
        return seen, expected

    def expect(self, holds, problem):
        if not holds:
            self.problems.append(problem)


class Published:
    """Records of output topics, in the form the four comparisons need."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.revisions = collections.defaultdict(set)
        self.repeated = []
        self.letters = collections.Counter()
        # Rejected feedback by source and id.
        self.unknown = collections.Counter()
        self.last = {}
        self.kinds = collections.Counter()

    def add(self, topic, headers, value):
        kind = topic[len(self.prefix) + 1:].split(".")[0]
        self.kinds[kind] += 1
        if kind == "deadletters":
            self.letters[tuple(headers["assist_original_" + part]
                               for part in ("topic", "partition", "offset"))] += 1
            if headers["assist_error_code"] == "unknown-referral":
                event = json.loads(value)
                self.unknown[event["source"], event["id"]] += 1
            return
        identity, revision = headers["ce_id"].rsplit("/", 1)
        if int(revision) in self.revisions[kind, identity]:
            self.repeated.append(headers["ce_id"])
        self.revisions[kind, identity].add(int(revision))
        if kind == "referrals":
            old = self.last.get(identity)
            if old is None or old[0] < int(revision):
                self.last[identity] = (int(revision), topic, value)

    def gaps(self):
        return [identity for (_, identity), numbers in self.revisions.items()
                if max(numbers) != len(numbers)]

    def open_referrals(self):
        """(rule, household, subject, receiver) and how many; hidden rules share one name."""
        result = collections.Counter()
        for _, topic, value in self.last.values():
            if value["state"] not in OPEN_STATES:
                continue
            if ".resource." in topic:
                result["resource", value["district"], value["subdistrict"], value["category"],
                       value.get("ageBand")] += 1
            else:
                subject = value.get("subject") or {}
                result[value["rule"], value["household"]["id"],
                       subject.get("id") or subject.get("name"), value["to"]] += 1
        return result


def bad_records(counts):
    """Bad records of the counts that `simulate` writes, but for feedback on unknown referrals."""
    return counts["bad"] - counts["defects"].get("unknownReferral", 0)


def districts():
    """The districts of the configuration in the repository."""
    with open(os.path.join(ROOT, "config/outreachd.yaml"), encoding="utf-8") as file:
        section = re.search(r"districts: \[(.*?)\]", file.read(), re.S)
    return re.findall(r"\d{6}", section.group(1))


def main():
    run = Run(arguments())
    run.prepare()
    sender = None
    try:
        if run.options.rate:
            run.a.start()
            run.a.wait_for_partitions()
            run.send_load()
        sender = run.send()
        if not run.options.rate:
            if sender.wait() != 0:
                fail("simulate failed")
            run.a.start()
        run.disturb(sender)
        say("draining")
        run.drain(sender)
    except RuntimeError as problem:
        print(f"exactly-once: {problem}", file=sys.stderr)
        sys.exit(1)
    finally:
        for process in (run.a.process, run.b.process, sender):
            if process and process.poll() is None:
                process.kill()
    consumed = time.time()
    seen, expected = run.judge()
    print(f"""
input             {run.options.households:,} households, {run.options.events:,} events
disturbances      {run.options.kills} kills, {run.options.rebalances} rebalances
consumed after    {consumed - run.began:.0f} s
start to first record, ms   {", ".join(map(str, run.a.first_records))}
in Kafka          {dict(seen.kinds)}
in replay         {dict(expected.kinds)}
open referrals    {sum(seen.open_referrals().values()):,}""")
    for problem in run.problems:
        print(f"FAILED  {problem}")
    print("exactly once: " + ("NO" if run.problems else "yes"))
    sys.exit(1 if run.problems else 0)


if __name__ == "__main__":
    main()
