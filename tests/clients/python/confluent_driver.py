"""The driver of confluent-kafka, which is librdkafka in Python."""

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

import driver_io
from confluent_admin import admin
from driver_io import Acks, Deadline, Printed, emit_capabilities, emit_record, read_records

# Errors of a commit that only say: a rebalance is under way, poll first.
_REBALANCING = {
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError._ASSIGNMENT_LOST,
}


def capabilities(_options):
    emit_capabilities(["range", "roundrobin", "cooperative-sticky"])


def produce(options):
    acks = Acks(options.required("acks") == "0")
    producer = Producer(
        {
            "bootstrap.servers": options.required("bootstrap"),
            "compression.type": options.required("codec"),
            "acks": options.required("acks"),
            "enable.idempotence": options.flag("idempotent"),
            "message.timeout.ms": options.number("timeout-ms", 60000),
            "message.max.bytes": 8 << 20,
            "linger.ms": 5,
            "socket.nagle.disable": True,
        }
    )
    topic, sent = options.required("topic"), 0

    def delivered(i):
        def report(error, message):
            if error is not None:
                raise SystemExit(f"record {i} was not acknowledged: {error}")
            acks.add(i, message.partition(), message.offset())

        return report

    for i, record in enumerate(read_records(options)):
        fields = {"partition": record.partition, "key": record.key, "headers": record.headers}
        if record.timestamp is not None:
            fields["timestamp"] = record.timestamp
        while True:
            try:
                producer.produce(topic, record.value, on_delivery=delivered(i), **fields)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        sent += 1
    producer.flush()
    acks.expect_all(sent)


def _consumer(options, **more):
    return Consumer(
        {
            "bootstrap.servers": options.required("bootstrap"),
            "group.id": options.get("group", "unused"),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "check.crcs": True,
            "fetch.wait.max.ms": 100,
            # A server that restarts is found again soon.
            "reconnect.backoff.max.ms": 1000,
            "coordinator.query.interval.ms": 1000,
            "socket.nagle.disable": True,
        }
        | more
    )


def _checked(message):
    if message.error():
        raise KafkaException(message.error())
    return message


def consume(options):
    topic, deadline = options.required("topic"), Deadline(options)
    consumer = _consumer(options)
    partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
    while deadline.more():
        for message in map(_checked, consumer.consume(500, driver_io.POLL_S)):
            emit_record(
                message.partition(),
                message.offset(),
                message.timestamp()[1],
                message.key(),
                message.value(),
                message.headers(),
            )
            deadline.seen += 1
    consumer.close()


def group(options):
    topic, printed = options.required("topic"), Printed()
    more = {
        "session.timeout.ms": options.number("session-timeout-ms", 6000),
        "heartbeat.interval.ms": 1000,
        "partition.assignment.strategy": options.get("assignor", "range"),
    }
    if "reset" in options:
        more["auto.offset.reset"] = {"none": "error"}.get(options["reset"], options["reset"])
    if "instance-id" in options:
        more["group.instance.id"] = options["instance-id"]
    consumer = _consumer(options, **more)

    def poll():
        message = consumer.poll(driver_io.POLL_S)
        if message is None:
            return
        # The client heals a broken connection by itself and says so as an event.
        if not message.error():
            printed.record(message.partition(), message.offset(), message.key())
        elif message.error().code() == KafkaError._AUTO_OFFSET_RESET:
            driver_io.emit(event="lost")

    def commit():
        offsets = [TopicPartition(topic, p, o) for p, o in printed.next_offsets.items()]
        try:
            if offsets:
                for row in consumer.commit(offsets=offsets, asynchronous=False):
                    if row.error:
                        raise KafkaException(row.error)
        except KafkaException as e:
            if e.args[0].code() in _REBALANCING:
                return False
            raise
        printed.committed()
        return True

    consumer.subscribe(
        [topic],
        on_assign=lambda _, ps: printed.assigned([p.partition for p in ps]),
        on_revoke=lambda _, ps: printed.revoked([p.partition for p in ps]),
        on_lost=lambda _, ps: printed.revoked([p.partition for p in ps]),
    )
    driver_io.run_member(poll, commit, consumer.close)


if __name__ == "__main__":
    driver_io.main(
        {"produce": produce, "consume": consume, "group": group, "admin": admin, "capabilities": capabilities}
    )
