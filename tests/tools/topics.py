"""What kafka-topics prints of topics, without what differs from server to server."""

import re

# Kafka counts these among a topic's own configs: the test's Kafka has both set for all topics.
_OF_THE_SERVER = {"min.insync.replicas=1", "retention.ms=-1"}


def described(lines):
    """The lines of a description with the id as ID, and configs in the order of their names."""
    return [_without_ids(line) for line in lines]


def partitions(topic, count):
    """How kafka-topics describes the partitions of a topic on the one node."""
    return [
        f"\tTopic: {topic}\tPartition: {i}\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: "
        for i in range(count)
    ]


def summary(topic, count, configs=""):
    """How kafka-topics introduces a topic, after `described`."""
    return f"Topic: {topic}\tTopicId: ID\tPartitionCount: {count}\tReplicationFactor: 1\tConfigs: {configs}"


def _without_ids(line):
    line = re.sub(r"TopicId: [\w-]{22}\t", "TopicId: ID\t", line)
    head, mark, configs = line.partition("\tConfigs: ")
    # A value that is a list holds commas, so a name is what comes before the next =.
    own = sorted(set(re.split(r",(?=[a-z.]+=)", configs)) - _OF_THE_SERVER)
    return head + mark + ",".join(own)
