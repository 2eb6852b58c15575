#!/usr/bin/env python3
"""Kills the gateway again and again while its registry is written to, and looks for anything acknowledged and lost.

    registry.py [--rounds 12] [--hours H] [--seed S] [--dir D]

Connections register schemas, delete versions and subjects, softly and for good, and set and delete configs, each
on subjects of its own but with schemas that several of them share. The gateway is killed (SIGKILL) at random
moments, sometimes again while it starts, sometimes stopped in order, and started again on the same directory.
Then:

- each subject is what its acknowledged requests made of it; the one request that each connection was waiting
  for has been carried out wholly, or not at all;
- an id stands for one schema, for good, and ids have no gap from 1 on;
- `_schemas`, read by a Kafka consumer, says the same: one value for each id, no version written twice.
"""

import http.client
import json
import random
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients"), str(HERE.parent / "registry")]

import gateway as servers
import rounds
from embedded import schemas_topic
from rounds import Lost, expect

CONNECTIONS = 8
SUBJECTS_A_CONNECTION = 3
# After so many rounds connections go on to new subjects: every version of theirs is read after every round.
ROUNDS_A_SUBJECT = 10
LEVELS = ["NONE", "BACKWARD", "FORWARD", "FULL_TRANSITIVE"]
TIMEOUT_S = 60


class Gone(Exception):
    """The gateway went away before it answered."""


class Connection:
    """Keep-alive HTTP to the registry."""

    def __init__(self, address):
        self._http = http.client.HTTPConnection(address, timeout=TIMEOUT_S)

    def ask(self, method, path, body=None):
        """Status and JSON of the answer."""
        try:
            self._http.request(
                method, path, body and json.dumps(body), {"Content-Type": "application/vnd.schemaregistry.v1+json"}
            )
            answer = self._http.getresponse()
            return answer.status, json.loads(answer.read())
        except TimeoutError:
            raise Lost(f"{method} {path}: no answer within {TIMEOUT_S} s") from None
        except (OSError, http.client.HTTPException, ValueError):
            self._http.close()
            raise Gone from None


@dataclass(frozen=True)
class Version:
    text: str
    deleted: bool = False


@dataclass
class Subject:
    """What a subject must be, by what was acknowledged."""

    name: str
    versions: dict[int, Version] = field(default_factory=dict)
    level: str | None = None

    def copy(self):
        return Subject(self.name, dict(self.versions), self.level)

    def live(self):
        return [version for version, what in self.versions.items() if not what.deleted]

    # What requests do to it.

    def register(self, text):
        if Version(text) in self.versions.values():
            return
        new = max(self.versions, default=0) + 1
        # The deleted versions of the same schema go for good.
        self.versions = {version: what for version, what in self.versions.items() if what.text != text}
        self.versions[new] = Version(text)

    def delete(self, version):
        self.versions[version] = Version(self.versions[version].text, True)

    def delete_all(self):
        for version in self.live():
            self.delete(version)

    def purge(self, version):
        del self.versions[version]
        if not self.versions:
            # The subject's config goes with its last version.
            self.level = None

    def purge_all(self):
        self.versions.clear()
        self.level = None


@dataclass
class Request:
    """A request and what it does to the model."""

    method: str
    path: str
    body: dict | None
    effect: Callable[[Subject], None]
    text: str | None = None


class Ids:
    """Which schema each id stands for, by all that was ever told."""

    def __init__(self):
        self._text_of = {}
        self._lock = threading.Lock()

    def told(self, schema_id, text):
        with self._lock:
            before = self._text_of.setdefault(schema_id, text)
        expect(before == text, f"id {schema_id} stood for {before} and stands for {text}")

    def expect_dense(self):
        missing = set(range(1, len(self._text_of) + 1)) - set(self._text_of)
        expect(not missing, f"ids {sorted(missing)} were left out; {len(self._text_of)} are known")

    def __len__(self):
        return len(self._text_of)


class Worker:
    """One connection that changes its own subjects until the gateway goes away."""

    def __init__(self, number, address, ids, seed):
        self._address = address
        self._ids = ids
        self._random = random.Random(seed)
        self._number = number
        self._counter = 0
        self.subjects = []
        # Subject and request that was sent last and not answered.
        self.in_doubt = None
        self.acknowledged = 0
        self.wrong = None

    def new_subjects(self, round_):
        self.subjects = [Subject(f"w{self._number}-{round_}-{i}") for i in range(SUBJECTS_A_CONNECTION)]

    def start(self):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()

    def finish(self):
        self.stop()
        self._thread.join()
        expect(self.wrong is None, self.wrong)

    def _run(self):
        connection = Connection(self._address)
        try:
            while not self._stop.is_set():
                subject = self._random.choice(self.subjects)
                request = self._request(subject)
                self.in_doubt = (subject, request)
                status, answer = connection.ask(request.method, request.path, request.body)
                expect(status == 200, f"{request.method} {request.path}: {status} {answer}")
                request.effect(subject)
                if request.text is not None:
                    self._ids.told(answer["id"], request.text)
                self.in_doubt = None
                self.acknowledged += 1
        except Gone:
            return
        except Lost as e:
            self.wrong = str(e)

    def _request(self, subject):
        """A request that the subject's state allows."""
        pick = self._random.random()
        path = f"/subjects/{subject.name}"
        live = subject.live()
        soft = [version for version, what in subject.versions.items() if what.deleted]
        if pick < 0.15 and live:
            version = self._random.choice(live)
            return Request("DELETE", f"{path}/versions/{version}", None, lambda s: s.delete(version))
        if pick < 0.25 and soft:
            version = self._random.choice(soft)
            return Request("DELETE", f"{path}/versions/{version}?permanent=true", None, lambda s: s.purge(version))
        if pick < 0.29 and live:
            return Request("DELETE", path, None, Subject.delete_all)
        if pick < 0.33 and soft and not live:
            return Request("DELETE", f"{path}?permanent=true", None, Subject.purge_all)
        if pick < 0.40 and subject.level is not None:
            return Request("DELETE", f"/config/{subject.name}", None, lambda s: setattr(s, "level", None))
        if pick < 0.48:
            level = self._random.choice(LEVELS)
            body = {"compatibility": level}
            return Request("PUT", f"/config/{subject.name}", body, lambda s: setattr(s, "level", level))
        text = self._text(subject)
        return Request("POST", f"{path}/versions", {"schema": text}, lambda s: s.register(text), text)

    def _text(self, subject):
        """A schema that is compatible with all others in every way. Some are new, some shared by all connections."""
        if self._random.random() < 0.3:
            doc = f"shared {self._random.randrange(40)}"
        else:
            self._counter += 1
            doc = f"{self._number} {self._counter}"
        fields = [{"name": "x", "type": "long", "doc": doc}]
        return json.dumps({"type": "record", "name": "R", "fields": fields}, separators=(",", ":"))

    def settle(self, connection):
        """Compares every subject with the registry, and learns what came of the request that was not answered."""
        for subject in self.subjects:
            possible = [subject]
            if self.in_doubt and self.in_doubt[0] is subject:
                done = subject.copy()
                self.in_doubt[1].effect(done)
                possible.append(done)
            seen, ids = observe(connection, subject.name)
            for schema_id, text in ids:
                self._ids.told(schema_id, text)
            judge(seen, possible, self.in_doubt and self.in_doubt[1])
            subject.versions, subject.level = seen.versions, seen.level
        self.in_doubt = None


def judge(seen, possible, in_doubt):
    """Raises Lost unless `seen` is one of the `possible` states."""
    if seen not in possible:
        asked = f"; not answered was {in_doubt.method} {in_doubt.path} {in_doubt.body}" if in_doubt else ""
        raise Lost(f"{seen.name} is\n  {seen}\nand should be\n  " + "\nor\n  ".join(map(str, possible)) + asked)


def observe(connection, name):
    """What the registry says of a subject, and the ids with their texts."""

    def found(path, *absent):
        status, answer = connection.ask("GET", path)
        expect(status == 200 or answer.get("error_code") in absent, f"GET {path}: {status} {answer}")
        return answer if status == 200 else None

    path = f"/subjects/{urllib.parse.quote(name)}/versions"
    every = found(f"{path}?deleted=true", 40401) or []
    live = found(path, 40401) or []
    expect(set(live) <= set(every), f"{name}: {live} are live, of {every}")
    subject, ids = Subject(name), []
    for version in every:
        answer = found(f"{path}/{version}?deleted=true")
        subject.versions[version] = Version(answer["schema"], version not in live)
        ids.append((answer["id"], answer["schema"]))
        by_id = found(f"/schemas/ids/{answer['id']}")
        expect(by_id["schema"] == answer["schema"], f"{name} {version}: id {answer['id']} is {by_id}")
    config = found(f"/config/{name}", 40408)
    subject.level = config and config["compatibilityLevel"]
    return subject, ids


class Harness:
    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.ids = Ids()
        self.totals = {"kills": 0, "stops": 0}
        self.workers = [
            Worker(number, server.registry, self.ids, self.random.random()) for number in range(CONNECTIONS)
        ]
        self._running = False
        self._round = 0

    def begin(self):
        pass

    def run_round(self):
        before = self.acknowledged()
        for worker in self.workers:
            if self._round % ROUNDS_A_SUBJECT == 0:
                worker.new_subjects(self._round)
            worker.start()
        self._round += 1
        self._running = True
        time.sleep(self.random.uniform(0.05, 1.2))
        if self.random.random() < 0.2:
            self.server.terminate()
            self.totals["stops"] += 1
        else:
            self.server.kill()
            self.totals["kills"] += 1
        self._finish()
        if self.random.random() < 0.3:
            self.server.start_and_kill(self.random.uniform(0, 0.1))
            self.totals["kills"] += 1
        self.server.start()
        self._settle()
        return f"{self.acknowledged() - before} requests acknowledged, {len(self.ids)} ids"

    def acknowledged(self):
        return sum(worker.acknowledged for worker in self.workers)

    def _finish(self):
        self._running = False
        for worker in self.workers:
            worker.finish()

    def _settle(self):
        connection = Connection(self.server.registry)
        for worker in self.workers:
            worker.settle(connection)
        self.ids.expect_dense()

    def end(self):
        expect(self.acknowledged() > 0, "nothing was acknowledged")
        check_topic(schemas_topic(self.server.bootstrap))
        return (
            f"{self.totals['kills']} kills, {self.totals['stops']} stops, "
            f"{self.acknowledged()} requests acknowledged, {len(self.ids)} ids"
        )

    def after(self, directory):
        pass

    def kill_workers(self):
        if self._running:
            for worker in self.workers:
                worker.stop()


def check_topic(records):
    """One schema for each id, and no version of a subject made twice without having been taken away."""
    text_of, versions = {}, {}
    for offset, (key, value) in enumerate(records):
        key, value = json.loads(key), value and json.loads(value)
        if key["keytype"] != "SCHEMA":
            continue
        place = key["subject"], key["version"]
        if value is None:
            expect(versions.pop(place, None), f"offset {offset}: {place} is taken away and was not there")
            continue
        before = text_of.setdefault(value["id"], value["schema"])
        expect(before == value["schema"], f"offset {offset}: id {value['id']} stood for {before}")
        if not value["deleted"]:
            expect(place not in versions, f"offset {offset}: {place} was there already")
        versions[place] = value["id"]


def check_the_judges():
    """Shows the judges what must not be: they refuse each of it, and pass what is right."""
    one, other = Version("one"), Version("other")
    right = Subject("s", {1: one, 2: other}, "FULL")
    judge(right.copy(), [right], None)
    wrong = [
        Subject("s", {1: one}, "FULL"),
        Subject("s", {1: one, 2: other, 3: one}, "FULL"),
        Subject("s", {1: other, 2: one}, "FULL"),
        Subject("s", {1: one, 2: Version("other", True)}, "FULL"),
        Subject("s", {1: one, 2: other}, None),
    ]
    for subject in wrong:
        expect_lost(lambda subject=subject: judge(subject, [right], None))

    def record(version, schema_id, text, deleted=False):
        key = {"keytype": "SCHEMA", "subject": "s", "version": version, "magic": 1}
        value = {"id": schema_id, "schema": text, "deleted": deleted}
        return json.dumps(key), text and json.dumps(value)

    check_topic([record(1, 1, "a"), record(1, 1, "a", True), record(1, 1, None), record(1, 2, "b")])
    expect_lost(lambda: check_topic([record(1, 1, "a"), record(2, 1, "b")]))
    expect_lost(lambda: check_topic([record(1, 1, "a"), record(1, 2, "b")]))
    expect_lost(lambda: check_topic([record(1, 1, "a"), record(2, 1, None)]))

    ids = Ids()
    ids.told(1, "a")
    ids.told(3, "c")
    expect_lost(lambda: ids.told(1, "b"))
    expect_lost(ids.expect_dense)


def expect_lost(check):
    try:
        check()
    except Lost:
        return
    raise AssertionError("the judge did not notice what is wrong")


def main():
    check_the_judges()
    options = rounds.arguments(__doc__.splitlines()[0], 12).parse_args()
    if servers.TARGET != "tidegate":
        sys.exit("registry.py: Apache Kafka has no registry inside")
    return rounds.run("registry", options, Harness, registry=True)


if __name__ == "__main__":
    sys.exit(main())
