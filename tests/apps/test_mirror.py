"""MirrorMaker 2 between Apache Kafka and the gateway, a topic in each direction, and a group that moves."""

import itertools

import topics
from apps import MirrorMaker, wait_until

# `a` is Apache Kafka, `b` the gateway; a topic of one is named after it in the other.
_ORDERS_PARTITIONS = 3
_PARCELS_PARTITIONS = 2
_RECORDS = 1_500
_GROUP = "shop"


def properties(kafka, gateway):
    found = {
        "clusters": "a, b",
        "a.bootstrap.servers": kafka.bootstrap,
        "b.bootstrap.servers": gateway.bootstrap,
        "a->b.enabled": "true",
        "a->b.topics": "orders",
        "b->a.enabled": "true",
        "b->a.topics": "parcels",
        "tasks.max": 1,
        "replication.factor": 1,
        "checkpoints.topic.replication.factor": 1,
        "heartbeats.topic.replication.factor": 1,
        "offset-syncs.topic.replication.factor": 1,
        "config.storage.replication.factor": 1,
        "offset.storage.replication.factor": 1,
        "status.storage.replication.factor": 1,
        "sync.topic.acls.enabled": "false",
        "sync.group.offsets.enabled": "true",
        # Each record's place in the other cluster is remembered, so that an offset translates exactly.
        "offset.lag.max": 0,
        # The rest is about seconds where MirrorMaker takes minutes.
        "refresh.topics.interval.seconds": 1,
        "refresh.groups.interval.seconds": 1,
        "sync.topic.configs.interval.seconds": 1,
        "sync.group.offsets.interval.seconds": 1,
        "emit.checkpoints.interval.seconds": 1,
    }
    for cluster in "ab":
        found |= {
            f"{cluster}.offset.flush.interval.ms": 500,
            f"{cluster}.scheduled.rebalance.max.delay.ms": 0,
            f"{cluster}.session.timeout.ms": 15000,
            f"{cluster}.heartbeat.interval.ms": 1000,
        }
    return found


class Mirrored:
    """A topic of one cluster, and what has come of it in the other."""

    def __init__(self, source, topic, partitions, target, name):
        self._source = source.bootstrap
        self._topic = topic
        self._partitions = partitions
        self._numbers = itertools.count()
        topics.create(self._source, topic, partitions, {"max.message.bytes": "2000000"})
        self._original = topics.Follower(self._source, topic, partitions)
        self._target = target.bootstrap
        self._name = name
        self._copy = None

    def write(self):
        """Writes records with every kind of key and value, no two of them equal."""
        records = []
        for number in itertools.islice(self._numbers, _RECORDS):
            key = b"key %d" % number
            value = None if number % 7 == 0 else b"value %d " % number * (number % 50)
            headers = [("number", b"%d" % number), ("empty", b""), ("null", None)] if number % 3 == 0 else None
            records.append((number % self._partitions, key, value, headers))
        topics.produce(self._source, self._topic, records)

    def _records(self, follower):
        by_partition = [[] for _ in range(self._partitions)]
        for record in follower.poll():
            by_partition[record.partition].append((record.key, record.value, tuple(record.headers), record.timestamp))
        return by_partition

    def _whole(self, bootstrap, topic, follower):
        """All that the topic holds, by partition."""
        wanted = self._partitions * [0]
        for (_, partition), end in topics.ends(bootstrap, self.places(topic)).items():
            wanted[partition] = end
        return wait_until(
            f"all of {topic}",
            lambda: [len(p) for p in self._records(follower)] == wanted and self._records(follower),
        )

    def original(self):
        """What was written, by partition."""
        return self._whole(self._source, self._topic, self._original)

    def whole_copy(self):
        """All that has been copied, by partition, of a topic that MirrorMaker no longer writes."""
        return self._whole(self._target, self._name, self._copy)

    def copy(self):
        """What has arrived, by partition."""
        self._copy = self._copy or topics.Follower(self._target, self._name, self._partitions)
        return self._records(self._copy)

    def places(self, topic):
        return [(topic, partition) for partition in range(self._partitions)]

    def wait_complete(self, app):
        """Until the last record of every partition has arrived."""
        last = [partition[-1] for partition in self.original()]
        wait_until(f"topic {self._name}", lambda: topics.partitions_of(self._target, self._name), alive=[app])
        wait_until(
            f"the ends of {self._name}",
            lambda: all(one in partition for one, partition in zip(last, self.copy())),
            alive=[app],
        )

    def close(self):
        self._original.close()
        if self._copy:
            self._copy.close()


def without_repetitions(partitions):
    return [list(dict.fromkeys(partition)) for partition in partitions]


def test_topics_arrive_whole_both_ways_and_a_group_goes_on_in_the_other_cluster(kafka, gateway, app):
    """At least once, as MirrorMaker runs by default: repetitions after a kill are left out of the comparison."""
    orders = Mirrored(kafka, "orders", _ORDERS_PARTITIONS, gateway, "a.orders")
    parcels = Mirrored(gateway, "parcels", _PARCELS_PARTITIONS, kafka, "b.parcels")
    both = [orders, parcels]
    try:
        check(kafka, gateway, app(MirrorMaker, properties(kafka, gateway)), orders, both)
    finally:
        for topic in both:
            topic.close()


def check(kafka, gateway, mirror, orders, both):
    for topic in both:
        topic.write()
    topics.consume_and_commit(kafka.bootstrap, _GROUP, "orders", _RECORDS)
    mirror.start()
    for topic in both:
        topic.wait_complete(mirror)
        # Nothing was disturbed yet, so nothing may be repeated.
        assert topic.copy() == topic.original()
    assert topics.configs_of(gateway.bootstrap, "a.orders")["max.message.bytes"] == "2000000"

    first = [len(partition) for partition in orders.original()]
    translated = dict(zip(orders.places("a.orders"), first))
    wait_until(
        "the group's offsets", lambda: topics.committed(gateway.bootstrap, _GROUP) == translated, alive=[mirror]
    )

    for topic in both:
        topic.write()
    mirror.kill()
    mirror.start()
    for topic in both:
        topic.wait_complete(mirror)
        assert without_repetitions(topic.copy()) == topic.original(), "after MirrorMaker was killed"

    for topic in both:
        topic.write()
    gateway.restart(hard=True)
    for topic in both:
        topic.wait_complete(mirror)
        assert without_repetitions(topic.copy()) == topic.original(), "after the gateway was killed"

    # The group goes on in the other cluster. What was copied twice may have moved its place to the second copy,
    # and would move it further while the group is looked at, if MirrorMaker went on.
    mirror.stop()
    places = topics.committed(gateway.bootstrap, _GROUP)
    assert places.keys() == translated.keys() and all(places[one] >= translated[one] for one in places)
    copied = orders.whole_copy()
    rest = {key for (_, at), offset in places.items() for key, *_ in copied[at][offset:]}
    assert rest >= {key for partition, read in zip(orders.original(), first) for key, *_ in partition[read:]}
    assert topics.consume_and_commit(gateway.bootstrap, _GROUP, "a.orders", len(rest)) == rest
