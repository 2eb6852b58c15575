"""The driver of kcat: the contract's verbs in terms of its command line.

One kcat process can produce to one partition with one set of headers, so a
run is cut into blocks of consecutive records that fit one command line.
"""

import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

from driver_io import Acks, Commands, Deadline, Options, Printed, emit, emit_capabilities, emit_record, main, read_records

# Long enough never to occur in a record.
_KEY_END = b"<<key ends 5f2d>>"
_RECORD_END = b"<<record ends 91c7>>"
_DELIVERED = re.compile(rb"% Message delivered to partition (\d+) \(offset (-?\d+)\)")
_REBALANCED = re.compile(r"% Group .* rebalanced \(memberid .*?\): (assigned|revoked):? ?(.*)")
_PARTITION = re.compile(r"\[(\d+)\]")


def capabilities(_options):
    emit_capabilities(
        ["range", "roundrobin"],
        # Headers are arguments of a process, which end at a zero byte.
        zero_bytes_in_headers=False,
        # -Z turns both an empty key and an empty value into null, or neither.
        empty_key_with_null_value=False,
        # It skips empty lines.
        null_key_with_empty_value=False,
        timestamps=False,
        # Offsets are committed when it ends.
        explicit_commit=False,
    )


def _command(options, *more):
    settings = ["-X", "broker.address.ttl=1000", "-X", "fetch.wait.max.ms=100", "-X", "check.crcs=true"]
    return ["kcat", "-b", options.required("bootstrap"), *settings, *more]


def _with_nulls(record):
    return record.value is None


def produce(options):
    records = list(read_records(options))
    acks = Acks(options.required("acks") == "0")
    sent = 0
    blocks = itertools.groupby(records, lambda r: (r.partition, r.headers, _with_nulls(r)))
    for (partition, headers, nulls), block in blocks:
        block = list(block)
        offsets = _produce_block(options, partition, headers, nulls, block)
        if len(offsets) != len(block):
            raise SystemExit(f"kcat reported {len(offsets)} deliveries of {len(block)} records")
        for offset in offsets:
            acks.add(sent, partition, offset)
            sent += 1
    acks.expect_all(len(records))


def _line(record):
    # A line without a key's end has no key. With -Z an empty key is as good,
    # and better than an empty line, which kcat skips.
    if record.key is None and record.value is not None:
        return record.value + _RECORD_END
    return (record.key or b"") + _KEY_END + (record.value or b"") + _RECORD_END


def _produce_block(options, partition, headers, nulls, block):
    if nulls and any(r.key == b"" for r in block):
        raise SystemExit("kcat cannot send an empty key with a null value")
    arguments = ["-P", "-t", options.required("topic"), "-p", str(partition), "-vvv", "-l"]
    arguments += ["-z", options.required("codec")] if options["codec"] != "none" else []
    arguments += ["-Z"] if nulls else []
    for name, value in {
        "acks": options["acks"],
        "enable.idempotence": options.get("idempotent", "false"),
        "message.max.bytes": "8388608",
        "message.timeout.ms": options.get("timeout-ms", "60000"),
        "linger.ms": "1",
    }.items():
        arguments += ["-X", f"{name}={value}"]
    for name, value in headers:
        arguments += ["-H", name.encode() if value is None else name.encode() + b"=" + value]
    with tempfile.NamedTemporaryFile() as file:
        for record in block:
            file.write(_line(record))
        file.flush()
        done = subprocess.run(
            _command(options, *arguments, "-D", _RECORD_END, "-K", _KEY_END, file.name),
            stderr=subprocess.PIPE,
            check=False,
        )
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        raise SystemExit(f"kcat ended with {done.returncode}")
    return [int(offset) for _, offset in _DELIVERED.findall(done.stderr)]


def _bytes(text):
    return None if text is None else text.encode("latin-1")


def _parsed(line):
    """A line of -J. kcat writes the bytes of keys, values and headers as they are, in UTF-8 or not."""
    fields = json.loads(line.decode("latin-1"))
    headers = fields.get("headers", [])
    names = [_bytes(name).decode() for name in headers[::2]]
    fields["headers"] = list(zip(names, map(_bytes, headers[1::2])))
    return fields


def consume(options):
    deadline = Deadline(options)
    command = _command(
        options, "-C", "-t", options.required("topic"), "-o", "beginning", "-c", str(deadline.count), "-J", "-q"
    )
    timeout_s = options.number("timeout-ms", 30000) / 1000
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    timer = threading.Timer(timeout_s, process.kill)
    timer.start()
    for line in process.stdout:
        record = _parsed(line)
        emit_record(
            record["partition"],
            record["offset"],
            record["ts"],
            _bytes(record["key"]),
            _bytes(record["payload"]),
            record["headers"],
        )
        deadline.seen += 1
    code = process.wait()
    timer.cancel()
    if code or deadline.seen != deadline.count:
        raise SystemExit(f"kcat ended with {code} after {deadline.seen} of {deadline.count} records")


def _report_rebalances(stderr, printed):
    for line in stderr:
        sys.stderr.write(line)
        if found := _REBALANCED.match(line):
            partitions = [int(p) for p in _PARTITION.findall(found[2])]
            (printed.assigned if found[1] == "assigned" else printed.revoked)(partitions)


def _report_records(stdout, printed):
    for line in stdout:
        record = _parsed(line)
        printed.record(record["partition"], record["offset"], _bytes(record["key"]))


def group(options: Options):
    settings = {
        "session.timeout.ms": options.get("session-timeout-ms", "6000"),
        "heartbeat.interval.ms": "1000",
        "auto.offset.reset": "earliest",
        "reconnect.backoff.max.ms": "1000",
        "coordinator.query.interval.ms": "1000",
        # Only the commit at its end counts.
        "auto.commit.interval.ms": "3600000",
        "partition.assignment.strategy": options.get("assignor", "range"),
    }
    if "instance-id" in options:
        settings["group.instance.id"] = options["instance-id"]
    arguments = [a for name, value in settings.items() for a in ("-X", f"{name}={value}")]
    command = _command(options, *arguments, "-E", "-G", options.required("group"), "-J", "-u", options.required("topic"))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, commands = Printed(), Commands()
    stderr = (line.decode("utf-8", "replace") for line in process.stderr)
    readers = [
        threading.Thread(target=_report_rebalances, args=(stderr, printed), daemon=True),
        threading.Thread(target=_report_records, args=(process.stdout, printed), daemon=True),
    ]
    for reader in readers:
        reader.start()
    while process.poll() is None:
        match commands.next(timeout_s=0.1):
            case None:
                continue
            case "close":
                process.send_signal(signal.SIGTERM)
                code = process.wait()
                for reader in readers:
                    reader.join()
                if code:
                    raise SystemExit(f"kcat ended with {code}")
                emit(event="closed")
                return
            case other:
                process.kill()
                raise SystemExit(f"kcat cannot {other}")
    raise SystemExit(f"kcat ended by itself with {process.returncode}")


if __name__ == "__main__":
    main({"produce": produce, "consume": consume, "group": group, "capabilities": capabilities})
