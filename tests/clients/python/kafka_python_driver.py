"""The driver of kafka-python."""

import logging

from kafka import (
    ConsumerRebalanceListener,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import CommitFailedError, RebalanceInProgressError

import driver_io
from kafka_python_admin import admin
from driver_io import Acks, Deadline, Printed, emit_capabilities, emit_record, read_records

_ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


def capabilities(_options):
    # send() refuses a record with neither key nor value and a header without a value.
    emit_capabilities(list(_ASSIGNORS), null_key_and_value=False, null_header_values=False)


def produce(options):
    without_offsets = options.required("acks") == "0"
    timeout_ms = options.number("timeout-ms", 60000)
    codec = options.required("codec")
    producer = KafkaProducer(
        bootstrap_servers=options.required("bootstrap"),
        compression_type=None if codec == "none" else codec,
        acks="all" if options["acks"] == "all" else int(options["acks"]),
        enable_idempotence=options.flag("idempotent"),
        delivery_timeout_ms=timeout_ms,
        request_timeout_ms=min(30000, timeout_ms),
        max_request_size=8 << 20,
        linger_ms=5,
    )
    topic, futures = options.required("topic"), []
    for record in read_records(options):
        futures.append(
            producer.send(
                topic,
                value=record.value,
                key=record.key,
                headers=record.headers,
                partition=record.partition,
                timestamp_ms=record.timestamp,
            )
        )
    acks = Acks(without_offsets)
    for i, future in enumerate(futures):
        metadata = future.get(timeout=timeout_ms / 1000)
        acks.add(i, metadata.partition, metadata.offset)
    producer.close()


def _consumer(options, **more):
    return KafkaConsumer(
        bootstrap_servers=options.required("bootstrap"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        **more,
    )


def consume(options):
    topic, deadline = options.required("topic"), Deadline(options)
    consumer = _consumer(options)
    partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    while deadline.more():
        for records in consumer.poll(timeout_ms=100).values():
            for r in records:
                emit_record(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
                deadline.seen += 1
    consumer.close()


class _Listener(ConsumerRebalanceListener):
    def __init__(self, printed):
        self._printed = printed
        # Where the member was in partitions that it had to give back.
        self.left_at = {}

    def on_partitions_assigned(self, assigned):
        self._printed.assigned([p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        self.left_at.update(self._printed.next_offsets)
        self._printed.revoked([p.partition for p in revoked])


def group(options):
    topic, printed = options.required("topic"), Printed()
    consumer = _consumer(
        options,
        group_id=options.required("group"),
        group_instance_id=options.get("instance-id"),
        session_timeout_ms=options.number("session-timeout-ms", 6000),
        heartbeat_interval_ms=1000,
        partition_assignment_strategy=[_ASSIGNORS[options.get("assignor", "range")]],
    )

    def poll():
        for records in consumer.poll(timeout_ms=100).values():
            for r in records:
                printed.record(r.partition, r.offset, r.key)

    listener = _Listener(printed)

    def commit():
        # A member that joins twice gets its partitions back with their positions: it does not read
        # again what it has read and not committed.
        for partition in consumer.assignment():
            left_at = listener.left_at.get(partition.partition)
            if partition.partition not in printed.next_offsets and left_at is not None:
                if consumer.position(partition) == left_at:
                    printed.next_offsets[partition.partition] = left_at
        try:
            if printed.next_offsets:
                consumer.commit(
                    {
                        TopicPartition(topic, p): OffsetAndMetadata(offset, "", -1)
                        for p, offset in printed.next_offsets.items()
                    }
                )
        except (CommitFailedError, RebalanceInProgressError):
            return False
        printed.committed()
        return True

    # A leader that does not know the topic yet assigns nothing, and may leave it at that.
    consumer.partitions_for_topic(topic)
    consumer.subscribe([topic], listener=listener)
    driver_io.run_member(poll, commit, lambda: consumer.close(autocommit=False))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    driver_io.main(
        {"produce": produce, "consume": consume, "group": group, "admin": admin, "capabilities": capabilities}
    )
