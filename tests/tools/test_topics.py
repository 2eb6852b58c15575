"""kafka-topics: topics are made, described, listed, enlarged and deleted, with Kafka's words."""

import re

from topics import described, partitions, summary

FAILED = "Error while executing topic command : "


def test_create_says_which_topic_it_created(tools, name):
    created = tools.out("kafka-topics", "--create", "--topic", name, "--partitions", 3)
    assert created == [f"Created topic {name}."]


def test_create_warns_of_names_that_metrics_confuse(tools, name):
    lines = tools.out("kafka-topics", "--create", "--topic", f"{name}.b")
    assert lines == [
        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
        "collide. To avoid issues it is best to use either, but not both.",
        f"Created topic {name}.b.",
    ]


def test_create_of_an_existing_topic_fails_unless_told_otherwise(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name)
    again = tools.run("kafka-topics", "--create", "--topic", name, exit=1)
    assert again.out == f"{FAILED}Topic '{name}' already exists.\n"
    assert tools.out("kafka-topics", "--create", "--topic", name, "--if-not-exists") == []


def test_create_refuses_with_kafkas_reasons(tools, name):
    refusals = {
        ("--config", "nonsense=1"): "Unknown topic config name: nonsense",
        ("--config", "retention.ms=abc"): "Invalid value abc for configuration retention.ms: Not a number of type LONG",
        ("--config", "cleanup.policy=burn"): "Invalid value burn for configuration cleanup.policy: "
        "String must be one of: compact, delete",
        ("--partitions", "0"): "The partitions must be greater than 0",
        ("--partitions", "10001"): "Excessively large number of partitions per request.",
        ("--replication-factor", "3"): "Unable to replicate the partition 3 time(s): The target replication factor "
        "of 3 cannot be reached because only 1 broker(s) are registered or some brokers have all their log "
        "directories cordoned.",
        ("--replica-assignment", "1:2"): "The manual partition assignment includes broker 2, but no such broker is "
        "registered.",
    }
    for arguments, reason in refusals.items():
        refused = tools.run("kafka-topics", "--create", "--topic", name, *arguments, exit=1)
        assert refused.out == f"{FAILED}{reason}\n"
    assert name not in tools.out("kafka-topics", "--list")


def test_create_refuses_names_with_kafkas_reasons(tools, name):
    tools.out("kafka-topics", "--create", "--topic", f"{name}.b")
    long = "x" * 250
    characters = "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    refusals = {
        ".": "Topic name is invalid: '.' is not allowed",
        "..": "Topic name is invalid: '..' is not allowed",
        "a b": f"Topic name is invalid: 'a b' {characters}",
        long: f"Topic name is invalid: the length of '{long}' is longer than the max allowed length 249",
        f"{name}_b": f"Topic '{name}_b' collides with existing topic: {name}.b",
    }
    for refused, reason in refusals.items():
        failed = tools.run("kafka-topics", "--create", "--topic", refused, exit=1)
        assert failed.out.splitlines()[-1] == FAILED + reason


def test_describe_shows_partitions_and_overrides(tools, name):
    configs = ["--config", "max.message.bytes=2000000", "--config", "cleanup.policy=compact,delete"]
    tools.out("kafka-topics", "--create", "--topic", name, "--partitions", 3, "--replication-factor", 1, *configs)
    overrides = "cleanup.policy=compact,delete,max.message.bytes=2000000"
    whole = [summary(name, 3, overrides), *partitions(name, 3)]
    assert described(tools.out("kafka-topics", "--describe", "--topic", name)) == whole
    assert described(tools.out("kafka-topics", "--describe", "--exclude-internal", "--topic", name)) == whole
    overridden = tools.out("kafka-topics", "--describe", "--topics-with-overrides", "--topic", name)
    assert described(overridden) == whole[:1]


def test_describe_by_id_finds_the_topic(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name, "--partitions", 2)
    by_name = tools.out("kafka-topics", "--describe", "--topic", name)
    topic_id = re.search(r"TopicId: (\S+)", by_name[0]).group(1)
    # By id it is not asked who was last eligible to lead.
    by_id = [line.replace("Elr: \t", "Elr: N/A\t").replace("KnownElr: ", "KnownElr: N/A") for line in by_name]
    assert tools.out("kafka-topics", "--describe", "--topic-id", topic_id) == by_id
    absent = tools.run("kafka-topics", "--describe", "--topic-id", "bU2X5wKeRXqcT6cEWqZcAw", exit=1)
    assert absent.out == f"{FAILED}TopicId 'bU2X5wKeRXqcT6cEWqZcAw' does not exist as expected\n"


def test_describe_finds_no_partition_in_trouble(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name, "--partitions", 2)
    for trouble in "under-replicated-partitions", "unavailable-partitions", "under-min-isr-partitions":
        assert tools.out("kafka-topics", "--describe", f"--{trouble}") == []
    at_min_isr = tools.out("kafka-topics", "--describe", "--at-min-isr-partitions", "--topic", name)
    assert at_min_isr == partitions(name, 2)


def test_replica_assignment_counts_the_partitions(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name, "--replica-assignment", "1,1,1,1")
    lines = tools.out("kafka-topics", "--describe", "--topic", name)
    assert described(lines) == [summary(name, 4), *partitions(name, 4)]


def test_alter_adds_partitions_and_only_adds(tools, name):
    tools.out("kafka-topics", "--create", "--topic", name, "--partitions", 2)
    alter = ["kafka-topics", "--alter", "--topic", name, "--partitions"]
    assert tools.out(*alter, 4) == []
    assert described(tools.out("kafka-topics", "--describe", "--topic", name)) == [summary(name, 4), *partitions(name, 4)]
    assert tools.out(*alter, 5, "--replica-assignment", "1,1,1,1,1") == []
    refusals = {
        ("5",): "Topic already has 5 partition(s).",
        ("2",): f"The topic {name} currently has 5 partition(s); 2 would not be an increase.",
        ("6", "--replica-assignment", "1,1,1,1,1,7"): "The manual partition assignment includes broker 7, but no such "
        "broker is registered.",
    }
    for arguments, reason in refusals.items():
        assert tools.run(*alter, *arguments, exit=1).out == f"{FAILED}{reason}\n"
    assert described(tools.out("kafka-topics", "--describe", "--topic", name)) == [summary(name, 5), *partitions(name, 5)]


def test_list_takes_a_regular_expression(tools, name):
    for suffix in "a", "b", "other":
        tools.out("kafka-topics", "--create", "--topic", f"{name}-{suffix}")
    assert tools.out("kafka-topics", "--list", "--topic", f"{name}-[ab]") == [f"{name}-a", f"{name}-b"]
    everything = tools.out("kafka-topics", "--list", "--exclude-internal")
    assert {f"{name}-a", f"{name}-b", f"{name}-other"} <= set(everything)
    assert everything == sorted(everything)


def test_delete_takes_a_regular_expression(tools, name):
    for suffix in "a", "b", "other":
        tools.out("kafka-topics", "--create", "--topic", f"{name}-{suffix}")
    assert tools.out("kafka-topics", "--delete", "--topic", f"{name}-[ab]") == []
    assert tools.out("kafka-topics", "--list", "--topic", f"{name}-.*") == [f"{name}-other"]


def test_absent_topics_are_named(tools, name):
    # 3.9 prints the wrapper around the name.
    shown = f"'{name}'" if tools.release.startswith("4") else f"'Optional[{name}]'"
    for verb in ["--describe"], ["--delete"], ["--alter", "--partitions", "2"]:
        failed = tools.run("kafka-topics", *verb, "--topic", name, exit=1)
        assert failed.out == f"{FAILED}Topic {shown} does not exist as expected\n"
        assert tools.out("kafka-topics", *verb, "--topic", name, "--if-exists") == []
