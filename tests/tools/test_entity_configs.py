"""kafka-configs on brokers, groups and client metrics, and kafka-client-metrics."""

import time

import pytest
from test_configs import described as described_topic
from test_console import create

NODE = ["--entity-type", "brokers", "--entity-name", "1"]
DEFAULTS = ["--entity-type", "brokers", "--entity-default"]
# Kafka sets it for the whole cluster when it is formatted.
FORMATTED = "min.insync.replicas=1 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:min.insync.replicas=1}"


def configs(tools, verb, scope, *arguments):
    return tools.out("kafka-configs", verb, *scope, *arguments)


def alter(tools, scope, *arguments):
    (answer,) = configs(tools, "--alter", scope, *arguments)
    return answer


def described(tools, scope, *arguments):
    """The heading of a description and its rows."""
    heading, *rows = (line.strip() for line in configs(tools, "--describe", scope, *arguments))
    return [heading, *(row for row in rows if row != FORMATTED)]


def refused(tools, scope, *arguments):
    """The reason for which the server does not take new configs."""
    command = "kafka-configs", "--alter", *scope, *arguments
    failed = tools.run(*command, exit=1)
    marks = [line for line in failed.err.splitlines() if line.startswith("Caused by: ")]
    return marks[0].removeprefix("Caused by: org.apache.kafka.common.errors.")


def settles(look, wanted):
    """Waits until `look` sees what is wanted: Kafka acknowledges configs before it applies them."""
    end = time.monotonic() + 60
    while look() != wanted and time.monotonic() < end:
        time.sleep(0.1)
    assert look() == wanted


@pytest.fixture
def leaves_brokers_alone(newest):
    """Takes back what a test tells the node, or all nodes, of these names."""
    names = "log.cleaner.threads,message.max.bytes,log.retention.ms,tidegate.unknown"
    yield
    for scope in NODE, DEFAULTS:
        alter(newest, scope, "--delete-config", names)
    settles(lambda: described(newest, NODE), ["Dynamic configs for broker 1 are:"])


@pytest.mark.usefixtures("leaves_brokers_alone")
def test_configs_of_a_broker_stand_above_those_of_all(tools, name):
    create(tools, name)
    updated = "Completed updating config for broker 1."
    assert alter(tools, NODE, "--add-config", "log.cleaner.threads=2,message.max.bytes=2000000") == updated
    threads = "DYNAMIC_BROKER_CONFIG:log.cleaner.threads=2, DEFAULT_CONFIG:log.cleaner.threads=1"
    threads = f"log.cleaner.threads=2 sensitive=false synonyms={{{threads}}}"
    size = "DYNAMIC_BROKER_CONFIG:message.max.bytes=2000000"
    default_size = "DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=3000000"
    kafkas_size = "DEFAULT_CONFIG:message.max.bytes=1048588"

    def of_node(size, *synonyms):
        size = f"message.max.bytes={size} sensitive=false synonyms={{{', '.join(synonyms)}}}"
        return ["Dynamic configs for broker 1 are:", threads, size]

    settles(lambda: described(tools, NODE), of_node(2000000, size, kafkas_size))
    for_all = "Completed updating default config for brokers in the cluster."
    assert alter(tools, DEFAULTS, "--add-config", "message.max.bytes=3000000") == for_all
    defaults = ["Default configs for brokers in the cluster are:"]
    row = f"message.max.bytes=3000000 sensitive=false synonyms={{{default_size}}}"
    settles(lambda: described(tools, DEFAULTS), [*defaults, row])
    settles(lambda: described(tools, NODE), of_node(2000000, size, default_size, kafkas_size))
    # Topics without a value of their own follow.
    topic_size = f"max.message.bytes=2000000 sensitive=false synonyms={{{size}, {default_size}, {kafkas_size}}}"
    assert topic_size in described_topic(tools, name, "--all")
    # Without a name both are described.
    both = configs(tools, "--describe", ["--entity-type", "brokers"])
    assert [line for line in both if not line.startswith(" ")] == [of_node(0)[0], defaults[0]]
    assert alter(tools, NODE, "--delete-config", "log.cleaner.threads,message.max.bytes") == updated
    topic_size = f"max.message.bytes=3000000 sensitive=false synonyms={{{default_size}, {kafkas_size}}}"
    settles(lambda: topic_size in described_topic(tools, name, "--all"), True)
    assert alter(tools, DEFAULTS, "--delete-config", "message.max.bytes") == for_all
    settles(lambda: described(tools, DEFAULTS), defaults)


@pytest.mark.usefixtures("leaves_brokers_alone")
def test_what_the_start_set_shows_below_what_is_set_now(newest):
    assert alter(newest, NODE, "--add-config", "log.retention.ms=7200000")
    synonyms = [
        "DYNAMIC_BROKER_CONFIG:log.retention.ms=7200000",
        "STATIC_BROKER_CONFIG:log.retention.ms=-1",
        # The name that has the default.
        "DEFAULT_CONFIG:log.retention.hours=168",
    ]
    row = f"log.retention.ms=7200000 sensitive=false synonyms={{{', '.join(synonyms)}}}"
    settles(lambda: described(newest, NODE)[1:], [row])


@pytest.mark.usefixtures("leaves_brokers_alone")
def test_a_config_that_kafka_does_not_know_is_kept_and_not_shown(newest):
    assert alter(newest, NODE, "--add-config", "tidegate.unknown=secret")
    row = "tidegate.unknown=null sensitive=true synonyms={DYNAMIC_BROKER_CONFIG:tidegate.unknown=null}"
    settles(lambda: described(newest, NODE)[1:], [row])


def test_configs_of_a_broker_are_refused_with_kafkas_reasons(tools):
    invalid = "InvalidRequestException: "
    refusals = {
        "num.partitions=3": "Cannot update these configs dynamically: [num.partitions]",
        "log.cleaner.threads=x": "Invalid value x for configuration log.cleaner.threads: Not a number of type INT",
        "num.io.threads=0": "Invalid value 0 for configuration num.io.threads: Value must be at least 1",
    }
    for scope in NODE, DEFAULTS:
        for config, reason in refusals.items():
            assert refused(tools, scope, "--add-config", config) == invalid + reason
    per_listener = "These security configs can be dynamically updated only per-listener using the listener prefix: "
    password = refused(tools, DEFAULTS, "--add-config", "ssl.keystore.password=secret")
    assert password == f"{invalid}{per_listener}[ssl.keystore.password]"
    assert described(tools, NODE) == ["Dynamic configs for broker 1 are:"]


def test_all_configs_of_a_broker_are_described(tools, gateway):
    heading, *rows = described(tools, NODE, "--all")
    assert heading == "All configs for broker 1 are:"
    address = f"PLAINTEXT://{gateway.bootstrap}"
    (listeners,) = [row for row in rows if row.startswith("listeners=")]
    assert listeners.startswith(f"listeners={address}")
    # A few of those that clients look at, and a secret without its value.
    assert {
        "auto.create.topics.enable=true sensitive=false synonyms={DEFAULT_CONFIG:auto.create.topics.enable=true}",
        "broker.id=1 sensitive=false synonyms={STATIC_BROKER_CONFIG:broker.id=1, DEFAULT_CONFIG:broker.id=-1}",
        "broker.rack=null sensitive=false synonyms={}",
        "log.retention.hours=168 sensitive=false synonyms={DEFAULT_CONFIG:log.retention.hours=168}",
        "message.max.bytes=1048588 sensitive=false synonyms={DEFAULT_CONFIG:message.max.bytes=1048588}",
        "num.partitions=1 sensitive=false synonyms={DEFAULT_CONFIG:num.partitions=1}",
        "ssl.keystore.password=null sensitive=true synonyms={}",
    } <= set(rows)
    assert len(rows) > 300
    assert rows == sorted(rows, key=lambda row: row.split("=")[0])


def test_configs_of_a_group_are_altered_and_described(newest, name):
    group = ["--entity-type", "groups", "--entity-name", name]
    absent = [f"The group '{name}' doesn't exist and doesn't have dynamic config."]
    assert described(newest, group) == absent
    updated = f"Completed updating config for group {name}."
    given = "consumer.session.timeout.ms=50000,consumer.heartbeat.interval.ms=6000"
    assert alter(newest, group, "--add-config", given) == updated
    synonyms = {
        "consumer.heartbeat.interval.ms=6000": "group.consumer.heartbeat.interval.ms=5000",
        "consumer.session.timeout.ms=50000": "group.consumer.session.timeout.ms=45000",
    }
    rows = [
        f"{own} sensitive=false synonyms={{DYNAMIC_GROUP_CONFIG:{own}, DEFAULT_CONFIG:{default}}}"
        for own, default in synonyms.items()
    ]
    whole = [f"Dynamic configs for group {name} are:", *rows]
    settles(lambda: described(newest, group), whole)
    assert described(newest, ["--group", name]) == whole
    heading, *everything = described(newest, group, "--all")
    assert heading == f"All configs for group {name} are:" and set(rows) < set(everything)
    assert whole[0] in described(newest, ["--entity-type", "groups"])
    names = "consumer.session.timeout.ms,consumer.heartbeat.interval.ms"
    assert alter(newest, group, "--delete-config", names) == updated
    settles(lambda: described(newest, group), absent)


def test_configs_of_a_group_are_refused_with_kafkas_reasons(newest, name):
    group = ["--entity-type", "groups", "--entity-name", name]
    short = "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"
    refusals = {
        "consumer.session.timeout.ms=1": short,
        "nonsense=1": "Unknown group config name: nonsense",
    }
    for config, reason in refusals.items():
        assert refused(newest, group, "--add-config", config) == f"InvalidConfigurationException: {reason}"


def test_configs_of_client_metrics_are_altered_and_described(tools, name):
    metrics = ["--entity-type", "client-metrics", "--entity-name", name]
    updated = f"Completed updating config for client-metric {name}."
    prefixes = "org.apache.kafka.producer.,org.apache.kafka.consumer."
    given = f"metrics=[{prefixes}],interval.ms=10000,match=[client_id=abc]"
    assert alter(tools, metrics, "--add-config", given) == updated
    rows = [
        f"{config} sensitive=false synonyms={{DYNAMIC_CLIENT_METRICS_CONFIG:{config}}}"
        for config in ("interval.ms=10000", "match=client_id=abc", f"metrics={prefixes}")
    ]
    heading = f"Dynamic configs for client-metric {name} are:"
    settles(lambda: described(tools, metrics), [heading, *rows])
    assert heading in described(tools, ["--entity-type", "client-metrics"])
    reason = "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)"
    assert refused(tools, metrics, "--add-config", "interval.ms=1") == f"InvalidRequestException: {reason}"
    assert alter(tools, metrics, "--delete-config", "metrics,interval.ms,match") == updated
    # 3.9 does not look whether there are any.
    absent = f"The client-metric '{name}' doesn't exist and doesn't have dynamic config."
    settles(lambda: described(tools, metrics), [absent if tools.release.startswith("4") else heading])


def test_kafka_client_metrics_adds_lists_and_deletes(tools, name):
    command = "kafka-client-metrics"
    prefixes = "org.apache.kafka.producer.,org.apache.kafka.consumer."
    given = ["--metrics", prefixes, "--interval", 10000, "--match", "client_id=abc"]
    altered = tools.out(command, "--alter", "--name", name, *given)
    assert altered == [f"Altered client metrics config for {name}."]
    whole = [
        f"Client metrics configs for {name} are:",
        "  interval.ms=10000",
        "  match=client_id=abc",
        f"  metrics={prefixes}",
    ]
    settles(lambda: tools.out(command, "--describe", "--name", name), whole)
    assert name in tools.out(command, "--list")
    assert "\n".join(whole) in "\n".join(tools.out(command, "--describe"))
    failed = tools.run(command, "--alter", "--name", name, "--interval", 5, exit=1)
    reason = "Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)"
    assert failed.out == f"Error while executing client metrics command : {reason}\n"
    deleted = [f"Deleted client metrics config for {name}."]
    assert tools.out(command, "--delete", "--name", name) == deleted
    settles(lambda: name in tools.out(command, "--list"), False)
    # What is not there is deleted as well.
    assert tools.out(command, "--delete", "--name", name) == deleted
