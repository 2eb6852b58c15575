"""What the Python drivers share: arguments, records in, results out, and a group member's life.

A driver is one command, `driver VERB --key value ...`, that writes one JSON
object a line to stdout. tests/clients/README.md describes the verbs.
"""

import base64
import hashlib
import json
import queue
import sys
import threading
import time
from dataclasses import dataclass

VALUE_PRINTED_BYTES_MAX = 64 * 1024
POLL_S = 0.1
_PRINTING = threading.Lock()


class Options(dict):
    """The `--key value` pairs of a command line."""

    @classmethod
    def parse(cls, arguments):
        if len(arguments) % 2 or not all(name.startswith("--") for name in arguments[::2]):
            raise SystemExit(f"expected pairs of --key value, found {arguments}")
        return cls((name[2:], value) for name, value in zip(arguments[::2], arguments[1::2]))

    def required(self, name):
        if name not in self:
            raise SystemExit(f"--{name} is missing")
        return self[name]

    def number(self, name, default):
        return int(self.get(name, default))

    def flag(self, name):
        return self.get(name, "false") == "true"


@dataclass
class Record:
    """A record to produce, as a line of the input file describes it."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp: int | None


def decoded(text):
    return None if text is None else base64.b64decode(text)


def encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def read_records(options):
    """The records of --input in file order, at most --rate of them a second."""
    interval_s = 1 / float(options["rate"]) if "rate" in options else 0
    due = time.monotonic()
    with open(options.required("input"), encoding="ascii") as lines:
        for line in lines:
            fields = json.loads(line)
            if interval_s:
                due += interval_s
                time.sleep(max(0, due - time.monotonic()))
            yield Record(
                fields["partition"],
                decoded(fields["key"]),
                decoded(fields["value"]),
                [(name, decoded(value)) for name, value in fields.get("headers", [])],
                fields.get("timestamp"),
            )


def emit(**fields):
    # A driver may have several threads, and print writes a text and the end of its line one after the other.
    with _PRINTING:
        print(json.dumps(fields), flush=True)


def emit_record(partition, offset, timestamp, key, value, headers):
    fields = {"partition": partition, "offset": offset, "timestamp": timestamp, "key": encoded(key)}
    if value is not None and len(value) > VALUE_PRINTED_BYTES_MAX:
        fields |= {"value_sha256": hashlib.sha256(value).hexdigest(), "value_len": len(value)}
    else:
        fields["value"] = encoded(value)
    fields["headers"] = [[name, encoded(data)] for name, data in headers or []]
    emit(**fields)


def emit_capabilities(assignors, **limits):
    """Prints what the client can do: everything, except what `limits` says."""
    everything = {
        "codecs": ["none", "gzip", "snappy", "lz4", "zstd"],
        "null_header_values": True,
        "null_values": True,
        "null_keys": True,
        "null_key_and_value": True,
        "repeated_headers": True,
        "timestamps": True,
        "idempotence": True,
        "static_members": True,
        "explicit_commit": True,
        "acks_0": True,
        "assignors": assignors,
    }
    emit(**(everything | limits))


class Acks:
    """Prints acknowledgements in file order, whatever order they come in."""

    def __init__(self, without_offsets):
        self._without_offsets = without_offsets
        self._waiting = {}
        self._next = 0

    def add(self, i, partition, offset):
        self._waiting[i] = (partition, -1 if self._without_offsets else offset)
        while self._next in self._waiting:
            partition, offset = self._waiting.pop(self._next)
            emit(i=self._next, partition=partition, offset=offset)
            self._next += 1

    def expect_all(self, sent):
        if self._next != sent:
            raise SystemExit(f"{self._next} of {sent} records were acknowledged in order")


class Deadline:
    """Ends a consumer that waits for records which never come."""

    def __init__(self, options):
        self.count = int(options.required("count"))
        self._timeout_ms = options.number("timeout-ms", 30000)
        self._end = time.monotonic() + self._timeout_ms / 1000
        self.seen = 0

    def more(self):
        if self.seen >= self.count:
            return False
        if time.monotonic() > self._end:
            raise SystemExit(f"only {self.seen} of {self.count} records within {self._timeout_ms} ms")
        return True


class Printed:
    """The offset after the last record printed, for each partition that the member holds."""

    def __init__(self):
        self.next_offsets = {}

    def record(self, partition, offset, key):
        emit(event="record", partition=partition, offset=offset, key=encoded(key))
        self.next_offsets[partition] = offset + 1

    def assigned(self, partitions):
        emit(event="assigned", partitions=sorted(partitions))

    def revoked(self, partitions):
        for partition in partitions:
            self.next_offsets.pop(partition, None)
        emit(event="revoked", partitions=sorted(partitions))

    def committed(self):
        emit(event="committed", offsets={str(p): o for p, o in sorted(self.next_offsets.items())})


class Commands:
    """The words that arrive on stdin. Its end counts as `close`: the parent is gone."""

    def __init__(self):
        self._words = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in sys.stdin:
            if line.strip():
                self._words.put(line.strip())
        self._words.put("close")

    def next(self, timeout_s=0):
        """The next word, or None if there is none within the time."""
        try:
            return self._words.get(timeout_s > 0, timeout_s or None)
        except queue.Empty:
            return None


def run_member(poll, commit, close):
    """Serves stdin until `close`, polling in between.

    `commit` returns False when a rebalance is under way: it is repeated after
    the next poll, in which the client takes part in that rebalance.
    """
    commands = Commands()
    while True:
        poll()
        match commands.next():
            case None:
                pass
            case "commit":
                while not commit():
                    poll()
            case "close":
                close()
                emit(event="closed")
                return
            case other:
                raise SystemExit(f"unknown command {other}")


def main(verbs):
    """Runs the verb that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        raise SystemExit(f"usage: driver {'|'.join(verbs)} --key value ...")
    verbs[sys.argv[1]](Options.parse(sys.argv[2:]))
