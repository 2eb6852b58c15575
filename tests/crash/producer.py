"""An idempotent librdkafka producer that writes until its stdin ends, and then waits for every acknowledgement.

    producer.py SETTINGS-AS-JSON

Prints a line "NUMBER PARTITION OFFSET" for each record acknowledged and ends
with 0 only if none was refused.
"""

import json
import random
import sys
import threading
import time

from confluent_kafka import Producer

import stamped

settings = json.loads(sys.argv[1])
stop = threading.Event()
refused = []


def read_stdin():
    sys.stdin.read()
    stop.set()


def report(i):
    def delivered(error, message):
        if error is not None:
            refused.append(f"record {i}: {error}")
        else:
            sys.stdout.write(f"{i} {message.partition()} {message.offset()}\n")

    return delivered


def main():
    threading.Thread(target=read_stdin, daemon=True).start()
    producer = Producer(
        {
            "bootstrap.servers": settings["bootstrap"],
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": settings["codec"],
            "linger.ms": settings["linger_ms"],
            "message.timeout.ms": 120_000,
            "request.timeout.ms": 10_000,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,
            "retry.backoff.ms": 50,
            "retry.backoff.max.ms": 500,
        }
    )
    choice = random.Random(settings["name"])
    interval_s = 1 / settings["rate"]
    due, i = time.monotonic(), 0
    while not stop.is_set() and not refused:
        size = choice.randint(settings["size_min"], settings["size_max"])
        try:
            producer.produce(
                settings["topic"],
                stamped.value(settings["name"], i, size),
                stamped.key(settings["name"], i),
                choice.choice(settings["partitions"]),
                on_delivery=report(i),
            )
        except BufferError:
            producer.poll(0.05)
            continue
        i += 1
        due += interval_s
        # Never faster than the rate, also after a pause.
        due = max(due, time.monotonic() - 0.1)
        producer.poll(max(0, due - time.monotonic()))
        sys.stdout.flush()
    waiting = producer.flush(100)
    sys.stdout.flush()
    if refused or waiting:
        sys.exit(f"{waiting} records not acknowledged; {refused[:3]}")


main()
