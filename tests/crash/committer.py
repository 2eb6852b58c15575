"""A member of a consumer group that commits after every poll, until its stdin ends.

    committer.py BOOTSTRAP TOPIC GROUP

Prints an object a line: {"generation": G, "committed": {PARTITION: OFFSET}} for
each commit that was acknowledged. It has to notice restarts of the server by
nothing but a pause.
"""

import json
import logging
import os
import sys
import threading

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

bootstrap, topic, group = sys.argv[1:]
stop = threading.Event()


def read_stdin():
    sys.stdin.read()
    stop.set()


def main():
    logging.basicConfig(level=os.environ.get("COMMITTER_LOG", "WARNING"), format="%(asctime)s %(name)s %(message)s")
    threading.Thread(target=read_stdin, daemon=True).start()
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=500,
        fetch_max_wait_ms=50,
        reconnect_backoff_max_ms=500,
        max_poll_records=1000,
    )
    while not stop.is_set():
        offsets = {
            partition.partition: records[-1].offset + 1
            for partition, records in consumer.poll(timeout_ms=50).items()
        }
        if not offsets:
            continue
        generation = consumer.group_metadata().generation_id
        try:
            consumer.commit(
                {TopicPartition(topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()},
                timeout_ms=60_000,
            )
        except KafkaError as e:
            if not e.retriable and type(e).__name__ not in ("CommitFailedError", "RebalanceInProgressError"):
                raise
            print(f"commit: {e!r}", file=sys.stderr, flush=True)
            continue
        print(json.dumps({"generation": generation, "committed": offsets}), flush=True)
    consumer.close(autocommit=False)


main()
