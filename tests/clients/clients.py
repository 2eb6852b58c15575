"""The client libraries under test, each behind a driver program of its own."""

import functools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
# What ends tests that hang; a machine that is busy with something else must not.
EVENT_TIMEOUT_S = 120
RUN_TIMEOUT_S = 240
CONSUME_TIMEOUT_MS = 120_000
# A member that is not heard of for so long is gone. Shorter, a server or a client that the machine lets wait for a few
# seconds would rebalance groups in which nothing happens.
SESSION_TIMEOUT_MS = 30_000
JAVA_VERSIONS = ["2.8.2", "3.9.1", "4.4.0"]


class ClientFailed(Exception):
    """A driver ended with an error. Carries what it wrote to stderr."""


class Client:
    """One client library: a driver's command line."""

    def __init__(self, name, command):
        self.name = name
        self._command = [str(word) for word in command]

    def __repr__(self):
        return self.name

    def _environment(self):
        return os.environ | {"NODE_PATH": str(CACHE / "clients" / "node" / "node_modules")}

    def popen(self, verb, options, **more):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return subprocess.Popen(
            [*self._command, verb, *words],
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment(),
            **more,
        )

    def run(self, verb, timeout_s=RUN_TIMEOUT_S, **options):
        """Runs a verb to its end and returns the objects that it printed."""
        options = {name.replace("_", "-"): value for name, value in options.items()}
        process = self.popen(verb, options, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise ClientFailed(f"{self.name} {verb} took over {timeout_s} s\n{stderr[-4000:]}") from None
        if process.returncode:
            raise ClientFailed(f"{self.name} {verb} ended with {process.returncode}\n{stderr[-4000:]}")
        return [json.loads(line) for line in stdout.splitlines()]

    @functools.cached_property
    def capabilities(self):
        return self.run("capabilities")[0]

    def produce(self, bootstrap, topic, records, codec="none", acks="all", idempotent=False):
        """Writes records; returns the acknowledgements in their order."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.writelines(record.line() + "\n" for record in records)
            file.flush()
            acknowledged = self.run(
                "produce",
                bootstrap=bootstrap,
                topic=topic,
                input=file.name,
                codec=codec,
                acks=acks,
                idempotent=str(idempotent).lower(),
            )
        assert [ack["i"] for ack in acknowledged] == list(range(len(records)))
        return acknowledged

    def consume(self, bootstrap, topic, count, timeout_ms=CONSUME_TIMEOUT_MS):
        """Reads a topic from its beginning until `count` records came."""
        return self.run("consume", bootstrap=bootstrap, topic=topic, count=count, timeout_ms=timeout_ms)

    def member(self, bootstrap, topic, group, **options):
        """Starts a member of a consumer group."""
        settings = {"bootstrap": bootstrap, "topic": topic, "group": group, "session_timeout_ms": SESSION_TIMEOUT_MS}
        return Member(self, settings | options)


class Member:
    """A running member of a consumer group, and all that it has reported."""

    def __init__(self, client, options):
        self.name = client.name
        self._stderr = tempfile.TemporaryFile("w+")
        self._process = client.popen(
            "group",
            {name.replace("_", "-"): value for name, value in options.items()},
            stdin=subprocess.PIPE,
            stderr=self._stderr,
        )
        self._lines = queue.Queue()
        self.events = []
        self.held = set()
        self.records = []
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def _take(self, event):
        if event is None:
            raise ClientFailed(f"{self.name} ended with {self._process.wait()}\n{self._what_it_said()}")
        self.events.append(event)
        match event["event"]:
            case "assigned":
                self.held |= set(event["partitions"])
            case "revoked":
                self.held -= set(event["partitions"])
            case "record":
                self.records.append((event["partition"], event["offset"]))

    def _what_it_said(self):
        self._stderr.seek(0)
        events = [e for e in self.events if e["event"] != "record"]
        return f"events: {events}\nrecords: {self.records[-20:]}\nstderr: {self._stderr.read()[-3000:]}"

    def pump(self):
        """Takes in what has been reported by now."""
        while True:
            try:
                self._take(self._lines.get_nowait())
            except queue.Empty:
                return

    def until(self, condition, what, timeout_s=EVENT_TIMEOUT_S):
        """Takes in reports until the condition holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            try:
                self._take(self._lines.get(timeout=max(0.01, end - time.monotonic())))
            except queue.Empty:
                raise ClientFailed(
                    f"{self.name} did not get so far within {timeout_s} s: {what}\n{self._what_it_said()}"
                ) from None
        return self

    def until_held(self, partitions):
        return self.until(lambda: self.held == set(partitions), f"hold exactly {sorted(partitions)}")

    def until_read(self, places):
        """Waits for records at all these (partition, offset)."""
        places = set(places)
        return self.until(lambda: places <= set(self.records), f"read {len(places)} records")

    def _said(self, event):
        return next((e for e in reversed(self.events) if e["event"] == event), None)

    def _tell(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def commit(self):
        """Commits all that was read; returns the offsets by partition."""
        already = sum(e["event"] == "committed" for e in self.events)
        self._tell("commit")
        self.until(lambda: sum(e["event"] == "committed" for e in self.events) > already, "commit")
        return {int(p): offset for p, offset in self._said("committed")["offsets"].items()}

    def close(self):
        """Leaves the group cleanly."""
        self._tell("close")
        self.until(lambda: self._said("closed") is not None, "leave the group")
        code = self._process.wait(EVENT_TIMEOUT_S)
        self._release()
        if code:
            raise ClientFailed(f"{self.name} left the group but ended with {code}")

    def signal(self, number):
        """Sends the member's process a signal: SIGSTOP leaves it in the group, silent."""
        self._process.send_signal(number)

    def kill(self):
        """Ends the member's process without a warning."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._release()

    def _release(self):
        self._process.stdin.close()


def _all():
    python = sys.executable
    for version in JAVA_VERSIONS:
        yield Client(f"java-{version}", [HERE / "java" / "driver.sh", version])
    yield Client("confluent", [python, HERE / "python" / "confluent_driver.py"])
    yield Client("aiokafka", [python, HERE / "python" / "aiokafka_driver.py"])
    yield Client("kafka-python", [python, HERE / "python" / "kafka_python_driver.py"])
    yield Client("kafkajs", ["node", HERE / "node" / "driver.js"])
    yield Client("franz", [CACHE / "clients" / "go" / "franz"])
    yield Client("sarama", [CACHE / "clients" / "go" / "sarama"])
    yield Client("kcat", [python, HERE / "kcat" / "driver.py"])


CLIENTS = {client.name: client for client in _all()}
