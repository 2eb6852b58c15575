"""The driver of aiokafka."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

import driver_io
from driver_io import Acks, Commands, Deadline, Printed, emit, emit_capabilities, emit_record, read_records

_ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


def capabilities(_options):
    # send() asserts that a record has a key or a value.
    emit_capabilities(list(_ASSIGNORS), null_key_and_value=False)


async def produce(options):
    codec = options.required("codec")
    producer = AIOKafkaProducer(
        bootstrap_servers=options.required("bootstrap"),
        compression_type=None if codec == "none" else codec,
        acks="all" if options["acks"] == "all" else int(options["acks"]),
        enable_idempotence=options.flag("idempotent"),
        request_timeout_ms=options.number("timeout-ms", 60000),
        max_request_size=8 << 20,
        linger_ms=5,
    )
    await producer.start()
    topic, sent = options.required("topic"), []
    for record in read_records(options):
        future = await producer.send(
            topic,
            value=record.value,
            key=record.key,
            headers=record.headers,
            partition=record.partition,
            timestamp_ms=record.timestamp,
        )
        sent.append((record.partition, future))
    acks = Acks(options["acks"] == "0")
    await producer.flush()
    for i, (partition, future) in enumerate(sent):
        metadata = await future
        # With acks=0 there is no metadata at all.
        acks.add(i, partition, metadata.offset if metadata else -1)
    await producer.stop()


def _consumer(options, *topics, **more):
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=options.required("bootstrap"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        **more,
    )


async def consume(options):
    topic, deadline = options.required("topic"), Deadline(options)
    # Without a group, a subscribed consumer takes all partitions of the topic.
    consumer = _consumer(options, topic)
    await consumer.start()
    await consumer.seek_to_beginning()
    while deadline.more():
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for r in records:
                emit_record(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
                deadline.seen += 1
    await consumer.stop()


class _Listener(ConsumerRebalanceListener):
    def __init__(self, printed):
        self._printed = printed

    async def on_partitions_assigned(self, assigned):
        self._printed.assigned([p.partition for p in assigned])

    async def on_partitions_revoked(self, revoked):
        self._printed.revoked([p.partition for p in revoked])


async def group(options):
    topic, printed, commands = options.required("topic"), Printed(), Commands()
    consumer = _consumer(
        options,
        group_id=options.required("group"),
        group_instance_id=options.get("instance-id"),
        session_timeout_ms=options.number("session-timeout-ms", 6000),
        heartbeat_interval_ms=1000,
        partition_assignment_strategy=[_ASSIGNORS[options.get("assignor", "range")]],
    )
    consumer.subscribe([topic], listener=_Listener(printed))
    await consumer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for r in records:
                printed.record(r.partition, r.offset, r.key)
        match commands.next():
            case None:
                pass
            case "commit":
                while not await _commit(consumer, topic, printed):
                    await asyncio.sleep(driver_io.POLL_S)
            case "close":
                await consumer.stop()
                emit(event="closed")
                return
            case other:
                raise SystemExit(f"unknown command {other}")


async def _commit(consumer, topic, printed):
    try:
        if printed.next_offsets:
            await consumer.commit({TopicPartition(topic, p): o for p, o in printed.next_offsets.items()})
    except (CommitFailedError, IllegalStateError, RebalanceInProgressError):
        return False
    printed.committed()
    return True


def _run(verb):
    return lambda options: asyncio.run(verb(options))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    driver_io.main(
        {
            "produce": _run(produce),
            "consume": _run(consume),
            "group": _run(group),
            "capabilities": capabilities,
        }
    )
