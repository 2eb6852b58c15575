"""kafka-configs on topics: configs are added, described with where they come from, and deleted."""

import re


def alter(tools, topic, *arguments, exit=0):
    scope = ["--alter", "--entity-type", "topics", "--entity-name", topic]
    result = tools.run("kafka-configs", *scope, *arguments, exit=exit)
    if exit == 0:
        assert (result.out, result.err) == (f"Completed updating config for topic {topic}.\n", "")
    return result


def described(tools, topic, *arguments):
    """The rows of a description, sorted."""
    scope = ["--describe", "--entity-type", "topics", "--entity-name", topic]
    heading, *rows = tools.out("kafka-configs", *scope, *arguments)
    assert heading == f"{'All' if arguments else 'Dynamic'} configs for topic {topic} are:"
    return sorted(row.strip() for row in rows)


def row(name, value, *more):
    """A described topic config. `more` are the servers' synonyms below the topic's own."""
    synonyms = ", ".join([f"DYNAMIC_TOPIC_CONFIG:{name}={value}", *more])
    return f"{name}={value} sensitive=false synonyms={{{synonyms}}}"


CLEANUP_POLICY = "DEFAULT_CONFIG:log.cleanup.policy=delete"
MAX_BYTES = "DEFAULT_CONFIG:message.max.bytes=1048588"


def test_configs_are_added_changed_and_deleted(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name)
    assert described(tools, name) == []
    alter(tools, name, "--add-config", "max.message.bytes=2000,cleanup.policy=[compact,delete]")
    policy = row("cleanup.policy", "compact,delete", CLEANUP_POLICY)
    assert described(tools, name) == [policy, row("max.message.bytes", 2000, MAX_BYTES)]
    alter(tools, name, "--add-config", "max.message.bytes=3000")
    assert described(tools, name) == [policy, row("max.message.bytes", 3000, MAX_BYTES)]
    alter(tools, name, "--delete-config", "max.message.bytes", "--add-config", "cleanup.policy=compact")
    assert described(tools, name) == [row("cleanup.policy", "compact", CLEANUP_POLICY)]
    alter(tools, name, "--delete-config", "cleanup.policy")
    assert described(tools, name) == []


def test_a_config_that_is_not_set_can_be_deleted(newest, name):
    newest.out("kafka-topics", "--create", "--topic", name)
    alter(newest, name, "--delete-config", "cleanup.policy,max.message.bytes")


def test_configs_come_from_a_file(tools, name, tmp_path):
    tools.out("kafka-topics", "--create", "--topic", name)
    path = tmp_path / "topic.properties"
    path.write_text("cleanup.policy=compact\nmax.message.bytes=5000\n")
    alter(tools, name, "--add-config-file", path)
    assert described(tools, name) == [
        row("cleanup.policy", "compact", CLEANUP_POLICY),
        row("max.message.bytes", 5000, MAX_BYTES),
    ]


def test_configs_are_refused_with_kafkas_reasons(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name)
    invalid = "org.apache.kafka.common.errors.InvalidConfigurationException"
    refusals = {
        "nonsense=1": f"{invalid}: Unknown topic config name: nonsense",
        "retention.ms=abc": f"{invalid}: Invalid value abc for configuration retention.ms: Not a number of type LONG",
        "segment.bytes=1": f"{invalid}: Invalid value 1 for configuration segment.bytes: Value must be at least 1048576",
    }
    for config, reason in refusals.items():
        refused = alter(tools, name, "--add-config", config, exit=1)
        assert reason in refused.err + refused.out
    # One wrong config refuses all of them.
    alter(tools, name, "--add-config", "cleanup.policy=compact,nonsense=1", exit=1)
    assert described(tools, name) == []


def test_absent_topics_have_no_configs(newest, name):
    refused = alter(newest, name, "--add-config", "retention.ms=1", exit=1)
    reason = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: The topic '{}' does not exist."
    assert reason.format(name) in refused.err + refused.out
    scope = ["--describe", "--entity-type", "topics", "--entity-name", name]
    assert newest.run("kafka-configs", *scope).out == f"The topic '{name}' doesn't exist and doesn't have dynamic config.\n"


def test_all_configs_are_described_with_their_defaults(newest, name):
    newest.out("kafka-topics", "--create", "--topic", name, "--config", "cleanup.policy=compact")
    rows = described(newest, name, "--all")
    values = dict(re.match(r"(\S+?)=(.*) sensitive=false synonyms=\{.*\}$", row).groups() for row in rows)
    # Two that the settings of the test's Kafka set for all topics.
    assert values.pop("retention.ms") in ("-1", "604800000")
    assert values.pop("min.insync.replicas") == "1"
    assert values == {
        "cleanup.policy": "compact",
        "compression.gzip.level": "-1",
        "compression.lz4.level": "9",
        "compression.type": "producer",
        "compression.zstd.level": "3",
        "delete.retention.ms": "86400000",
        "file.delete.delay.ms": "60000",
        "flush.messages": "9223372036854775807",
        "flush.ms": "9223372036854775807",
        "follower.replication.throttled.replicas": "",
        "index.interval.bytes": "4096",
        "leader.replication.throttled.replicas": "",
        "local.retention.bytes": "-2",
        "local.retention.ms": "-2",
        "max.compaction.lag.ms": "9223372036854775807",
        "max.message.bytes": "1048588",
        "message.timestamp.after.max.ms": "3600000",
        "message.timestamp.before.max.ms": "9223372036854775807",
        "message.timestamp.type": "CreateTime",
        "min.cleanable.dirty.ratio": "0.5",
        "min.compaction.lag.ms": "0",
        "preallocate": "false",
        "remote.log.copy.disable": "false",
        "remote.log.delete.on.disable": "false",
        "remote.storage.enable": "false",
        "retention.bytes": "-1",
        "segment.bytes": "1073741824",
        "segment.index.bytes": "10485760",
        "segment.jitter.ms": "0",
        "segment.ms": "604800000",
        "unclean.leader.election.enable": "false",
    }
    assert row("cleanup.policy", "compact", CLEANUP_POLICY) in rows
