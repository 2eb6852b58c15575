"""Offsets one can trust: where a consumer begins, what it commits, and what survives whom.

All by librdkafka in this process, except where a member has to be stopped in
its tracks. Every test is right on Apache Kafka too (TARGET=kafka).
"""

import signal
import time
import uuid

import pytest
from clients import CLIENTS
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka import KafkaError as Errors
from confluent_kafka.admin import AdminClient

PATIENCE_S = 90


def group_name():
    return f"offsets-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def consumer(gateway):
    """Makes consumers that are closed at the end of the test."""
    made = []

    def make(group, **options):
        config = {
            "bootstrap.servers": gateway.bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "session.timeout.ms": 45_000,
            "heartbeat.interval.ms": 300,
        }
        made.append(Consumer(config | {name.replace("_", "."): value for name, value in options.items()}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def write(gateway, topic, values, partition=0):
    """Appends values to a partition and waits until they are acknowledged; returns their offsets."""
    offsets = []
    producer = Producer({"bootstrap.servers": gateway.bootstrap, "acks": "all"})
    for value in values:
        producer.produce(
            topic, value, partition=partition, on_delivery=lambda error, message: offsets.append((error, message.offset()))
        )
    assert producer.flush(PATIENCE_S) == 0
    assert all(error is None for error, _ in offsets)
    return [offset for _, offset in offsets]


def read(consumer, count, patience_s=PATIENCE_S):
    """The next `count` messages."""
    messages = []
    end = time.monotonic() + patience_s
    while len(messages) < count:
        assert time.monotonic() < end, f"{len(messages)} of {count} messages came"
        message = consumer.poll(0.2)
        if message is None:
            continue
        assert message.error() is None, message.error()
        messages.append(message)
    return messages


def values_of(messages):
    return [message.value() for message in messages]


def numbered(count, begin=0):
    return [b"%d" % number for number in range(begin, begin + count)]


def test_earliest_begins_at_the_first_record_and_latest_after_the_last(gateway, consumer, new_topic):
    topic = new_topic("resets", 1)
    write(gateway, topic, numbered(5))
    earliest, latest = (consumer(group_name(), auto_offset_reset=reset) for reset in ("earliest", "latest"))
    earliest.subscribe([topic])
    assert values_of(read(earliest, 5)) == numbered(5)
    latest.subscribe([topic])
    while not latest.assignment():
        assert latest.poll(0.2) is None
    # A fetch has come back once the client knows where the log ends: it began at the end.
    end = time.monotonic() + PATIENCE_S
    while latest.get_watermark_offsets(TopicPartition(topic, 0), cached=True)[1] != 5:
        assert time.monotonic() < end, "the consumer does not find the end"
        assert latest.poll(0.2) is None
    write(gateway, topic, numbered(1, 5))
    assert values_of(read(latest, 1)) == [b"5"]


def test_without_a_reset_a_group_that_never_committed_is_told_so(gateway, consumer, new_topic):
    topic = new_topic("no-reset", 1)
    write(gateway, topic, numbered(1))
    lost = consumer(group_name(), auto_offset_reset="error")
    lost.subscribe([topic])
    end = time.monotonic() + PATIENCE_S
    while (message := lost.poll(0.2)) is None:
        assert time.monotonic() < end, "the consumer neither reads nor complains"
    assert message.error().code() == Errors._AUTO_OFFSET_RESET


def test_an_offset_beyond_the_end_resets_as_the_consumer_wishes(gateway, consumer, new_topic):
    topic = new_topic("out-of-range", 1)
    write(gateway, topic, numbered(3))
    reader = consumer(group_name(), auto_offset_reset="earliest")
    reader.assign([TopicPartition(topic, 0, 1_000)])
    assert values_of(read(reader, 3)) == numbered(3)


def test_seeking_to_the_beginning_and_to_an_offset_reads_from_exactly_there(gateway, consumer, new_topic):
    topic = new_topic("seek", 1)
    write(gateway, topic, numbered(20))
    reader = consumer(group_name(), auto_offset_reset="earliest")
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    assert values_of(read(reader, 20)) == numbered(20)
    reader.seek(TopicPartition(topic, 0, OFFSET_BEGINNING))
    assert values_of(read(reader, 20)) == numbered(20)
    for offset in (7, 19, 0, 13):
        reader.seek(TopicPartition(topic, 0, offset))
        message = read(reader, 1)[0]
        assert (message.offset(), message.value()) == (offset, b"%d" % offset)


def test_metadata_and_leader_epoch_come_back_with_the_offset(gateway, consumer, new_topic):
    topic = new_topic("metadata", 3)
    owner = consumer(group_name())
    wanted = [
        TopicPartition(topic, 0, 11, metadata="where I was: ä", leader_epoch=0),
        TopicPartition(topic, 1, 0, metadata=""),
    ]
    owner.commit(offsets=wanted, asynchronous=False)
    found = owner.committed([TopicPartition(topic, partition) for partition in range(3)], PATIENCE_S)
    assert [(one.offset, one.metadata or "") for one in found[:2]] == [(11, "where I was: ä"), (0, "")]
    assert found[0].leader_epoch == 0
    assert found[2].offset < 0, "nothing was committed for the last partition"


def test_a_commit_before_any_join_counts_and_one_beside_members_does_not(gateway, consumer, new_topic):
    topic, group = new_topic("standalone", 1), group_name()
    write(gateway, topic, numbered(10))
    outsider = consumer(group)
    outsider.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    member = consumer(group)
    member.subscribe([topic])
    assert read(member, 1)[0].offset() == 4
    with pytest.raises(KafkaException) as refused:
        outsider.commit(offsets=[TopicPartition(topic, 0, 9)], asynchronous=False)
    assert refused.value.args[0].code() == Errors.UNKNOWN_MEMBER_ID
    assert member.committed([TopicPartition(topic, 0)], PATIENCE_S)[0].offset == 4


def test_a_late_joiner_continues_where_the_first_member_committed(gateway, consumer, new_topic):
    topic, group = new_topic("late", 2), group_name()
    for partition in (0, 1):
        write(gateway, topic, numbered(10), partition)
    seen = []

    def on_revoke(first, _partitions):
        first.commit(asynchronous=False)

    first = consumer(group, auto_offset_reset="earliest")
    first.subscribe([topic], on_revoke=on_revoke)
    seen += read(first, 20)
    late = consumer(group)
    late.subscribe([topic])
    end = time.monotonic() + PATIENCE_S
    while not (len(first.assignment()) == 1 and len(late.assignment()) == 1):
        assert time.monotonic() < end, "the members do not share the partitions"
        for member in (first, late):
            message = member.poll(0.1)
            assert message is None, f"{message.value()} was delivered a second time"
    for partition in (0, 1):
        write(gateway, topic, numbered(5, 10), partition)
    seen += read(first, 5) + read(late, 5)
    places = [(message.partition(), message.offset()) for message in seen]
    assert sorted(places) == [(partition, offset) for partition in (0, 1) for offset in range(15)]


class Cooperative:
    """A member with the cooperative-sticky assignor; what it loses it commits first."""

    def __init__(self, make, group, topic):
        self.consumer = make(
            group, auto_offset_reset="earliest", partition_assignment_strategy="cooperative-sticky"
        )
        self.lost, self.places = [], []
        self.consumer.subscribe([topic], on_revoke=self._revoked)

    def _revoked(self, consumer, partitions):
        self.lost += [one.partition for one in partitions]
        reached = [one for one in consumer.position(partitions) if one.offset >= 0]
        if reached:
            consumer.commit(offsets=reached, asynchronous=False)

    def poll(self):
        message = self.consumer.poll(0.05)
        if message is not None and message.error() is None:
            self.places.append((message.partition(), message.offset()))

    def held(self):
        return {one.partition for one in self.consumer.assignment()}


def until(condition, members, what):
    """Polls the members in turn until the condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        for member in members:
            member.poll()


def read_by(members):
    return [place for member in members for place in member.places]


def test_cooperative_members_keep_what_they_hold_while_others_join_and_leave(gateway, consumer, new_topic):
    topic, group, partitions = new_topic("cooperative", 6), group_name(), range(6)
    for partition in partitions:
        write(gateway, topic, numbered(5), partition)
    members = []
    for count in (1, 2, 3):
        members.append(Cooperative(consumer, group, topic))
        until(
            lambda count=count: sorted(len(member.held()) for member in members) == [6 // count] * count,
            members,
            f"{count} members share six partitions evenly",
        )
    assert set().union(*(member.held() for member in members)) == set(partitions)
    lost = members[0].lost
    assert len(lost) == 4 and len(set(lost)) == 4, "each partition that moved did so once"
    stays = members[0].held()
    gone = members.pop()
    gone.consumer.close()
    until(
        lambda: sorted(len(member.held()) for member in members) == [3, 3], members, "two members take over"
    )
    assert stays <= members[0].held() and len(lost) == 4, "what a member holds it keeps"
    for partition in partitions:
        write(gateway, topic, numbered(5, 5), partition)
    wanted = [(partition, offset) for partition in partitions for offset in range(10)]
    until(lambda: len(read_by([*members, gone])) >= len(wanted), members, "all records are read")
    assert sorted(read_by([*members, gone])) == wanted, "every record is read once"


def test_a_member_that_stops_is_evicted_and_its_commit_is_refused(gateway, admin, new_topic):
    topic, group = new_topic("frozen", 2), group_name()
    client = CLIENTS["confluent"]
    for partition in (0, 1):
        write(gateway, topic, numbered(3), partition)
    with client.member(gateway.bootstrap, topic, group, session_timeout_ms=10_000) as frozen:
        frozen.until_held({0, 1}).until_read({(p, o) for p in (0, 1) for o in range(3)})
        frozen.commit()
        frozen.signal(signal.SIGSTOP)
        try:
            with client.member(gateway.bootstrap, topic, group) as heir:
                heir.until_held({0, 1})
                for partition in (0, 1):
                    write(gateway, topic, numbered(2, 3), partition)
                heir.until_read({(p, o) for p in (0, 1) for o in (3, 4)})
                assert (0, 2) not in heir.records, "the heir begins where the frozen member committed"
                assert heir.commit() == {0: 5, 1: 5}
                frozen.signal(signal.SIGCONT)
                frozen.until(lambda: len(frozen.held) == 1, "come back as a new member with a share")
                assert admin.committed(group) == {0: 5, 1: 5}, "nothing old is committed over the new"
        finally:
            frozen.signal(signal.SIGCONT)


def test_two_hundred_groups_commit_at_once_and_all_of_it_survives_a_kill(gateway, new_topic):
    topic, groups = new_topic("many", 2), [group_name() for _ in range(200)]
    client = AdminClient({"bootstrap.servers": gateway.bootstrap})

    def request(index, group):
        offsets = [TopicPartition(topic, partition, index * 10 + partition) for partition in (0, 1)]
        return ConsumerGroupTopicPartitions(group, offsets)

    pending = []
    for index, group in enumerate(groups):
        pending += client.alter_consumer_group_offsets([request(index, group)]).values()
    for future in pending:
        assert all(row.error is None for row in future.result(PATIENCE_S).topic_partitions)

    def committed():
        # A client of its own: librdkafka's forgets questions that it has when the server goes away.
        client = AdminClient({"bootstrap.servers": gateway.bootstrap})
        pending = {}
        for group in groups:
            pending |= client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        rows = {group: future.result(PATIENCE_S).topic_partitions for group, future in pending.items()}
        return {group: sorted((row.partition, row.offset) for row in rows[group]) for group in groups}

    wanted = {group: [(0, index * 10), (1, index * 10 + 1)] for index, group in enumerate(groups)}
    assert committed() == wanted
    gateway.restart(hard=True)
    assert committed() == wanted
