"""`tidegate load quick`, shortened to 15 seconds, on three targets; what restarts cost; what others read.

All three runs go side by side: they wait most of their time.
"""

import contextlib
import io
import json
import os
import shlex
import signal
import struct
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import fastavro
import pytest
from confluent_kafka import Consumer, TopicPartition

import gateway as servers
from apicurio import Apicurio
from load import load

DURATION_S = 15
RATE = 10
TARGETS = ["tidegate", "tidegate-with-apicurio", "kafka-with-apicurio"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Target -> what the run on it came to."""
    folder = tmp_path_factory.mktemp("targets")
    # The first questions to a registry whose machine has just been started may take long.
    quick = {"preset": "quick", "duration": f"{DURATION_S}s", "registry_timeout": "60s"}
    with ExitStack() as started, ThreadPoolExecutor() as threads:

        def run(name):
            server = servers.Kafka(folder / name) if name.startswith("kafka") else servers.Tidegate(folder / name)
            started.callback(server.terminate)
            server.start()
            registry = Apicurio(server.bootstrap, folder / f"{name}.registry.log")
            started.callback(registry.stop)
            registry.start()
            where = {"bootstrap": server.bootstrap, "registry": registry.url}
            return load(folder / f"{name}.load", plan=quick | where)

        running = {name: threads.submit(run, name) for name in TARGETS[1:]}
        running["tidegate"] = threads.submit(load, folder / "tidegate", "--embedded", plan=quick)
        yield {name: outcome.result() for name, outcome in running.items()}


@pytest.mark.parametrize("target", TARGETS)
def test_quick_is_clean(outcomes, target):
    outcome = outcomes[target]
    assert outcome.code == 0, outcome.explain()
    report = outcome.report
    # The embedded registry was restarted, and asked again.
    asked = 2 if target == "tidegate" else 1
    assert [(check["found"], check["of"]) for check in report["schemas"]] == [(10, 10)] * asked
    counts = report["verdict"]["counts"]
    assert counts["sent"] == counts["acknowledged"] == counts["present"] == DURATION_S * RATE
    assert [group["delivered"] >= DURATION_S * RATE for group in counts["groups"]] == [True]
    assert report["verdict"]["complete"] and outcome.faults == {}
    assert report["ack_latency"]["count"] == report["end_to_end_latency"]["count"] == DURATION_S * RATE


@pytest.fixture
def tidegate(start, tmp_path):
    return start(servers.Tidegate(tmp_path / "gateway", registry=True))


def where(gateway, **settings):
    return {"bootstrap": gateway.bootstrap, "registry": f"http://{gateway.registry}", "preset": "quick"} | settings


def test_the_schemas_are_found_after_a_command_restarted_the_registry(tmp_path):
    # The registry is the gateway's own: it goes down with it and comes back on the same address.
    gateway = servers.Tidegate(tmp_path / "gateway", registry=True)
    gateway.start()
    pid = tmp_path / "pid"
    again = shlex.join(map(str, gateway._command))
    # Directory and ports are free when its last thread has ended, which may be after its first.
    ended = f"while grep -qs '^State:[[:space:]]*[DRSTt]' /proc/{gateway.pid}/task/*/status; do sleep .05; done"
    restart = f"kill -9 {gateway.pid}; {ended}; {again} </dev/null >>{gateway.log} 2>&1 & echo $! >{pid}; sleep 1"
    try:
        done = load(tmp_path, plan=where(gateway, duration="2s", registry_restart=restart))
    finally:
        with contextlib.suppress(servers.GatewayFailed):
            gateway.kill()
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
    assert done.code == 0, done.explain()
    assert [(check["found"], check["of"]) for check in done.report["schemas"]] == [(10, 10), (10, 10)]


def test_kill_and_restart_of_the_embedded_gateway_loses_nothing(tmp_path):
    # It is started again as a service manager would, and on a busy machine that may not be done at 5 s. One that dies
    # before it was ready is given up.
    answers = f"{shlex.quote(os.environ['TIDEGATE_BIN'])} topic list --bootstrap $TIDEGATE_LOAD_BOOTSTRAP"
    kill = f"until {answers} >/dev/null 2>&1; do sleep .1; done; kill -9 $(cat $TIDEGATE_LOAD_PID_FILE)"
    ats = ("--at", "2s", kill, "--at", "5s", kill)
    done = load(tmp_path, "--embedded", *ats, plan={"preset": "standard", "duration": "10s"})
    assert done.code == 0, done.explain()
    assert [command["exit_code"] for command in done.report["commands"]] == [0, 0]
    counts = done.report["verdict"]["counts"]
    assert counts["sent"] == counts["acknowledged"] == counts["present"] == 1000
    # While nobody was there the schedule went on, and that is in the latency.
    assert done.report["ack_latency"]["max_us"] >= 300_000


def test_fastavro_reads_what_was_written_by_the_registry(tidegate, tmp_path):
    prefix = f"avro-{uuid.uuid4().hex[:8]}"
    done = load(tmp_path, plan=where(tidegate, duration="2s", topic_prefix=prefix, topics=1, keep_topics=True, bytes=700))
    assert done.code == 0, done.explain()
    schemas = {}
    values = list(read(tidegate.bootstrap, f"{prefix}-0", 4))
    assert len(values) == 2 * RATE
    for value in values:
        magic, schema_id = struct.unpack(">bI", value[:5])
        if schema_id not in schemas:
            with urllib.request.urlopen(f"http://{tidegate.registry}/schemas/ids/{schema_id}") as answer:
                schemas[schema_id] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        body = io.BytesIO(value[5:])
        message = fastavro.schemaless_reader(body, schemas[schema_id])
        assert magic == 0 and body.read() == b"" and len(value) == 700
        assert set(message) == {"id", "timestamp", "producer_id", "counter", "user_id", "event_type", "properties"}
        # Microseconds, of a few minutes ago at most.
        assert 0 <= time.time() - message["timestamp"] / 1e6 < 600
    counters = sorted(fastavro.schemaless_reader(io.BytesIO(value[5:]), schemas[schema_id])["counter"] for value in values)
    assert counters == list(range(2 * RATE))


def read(bootstrap, topic, partitions):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "none",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        ends = 0
        while ends < partitions:
            message = consumer.poll(30)
            assert message is not None, "no record and no end within 30 s"
            if message.error():
                ends += 1
            else:
                yield message.value()
    finally:
        consumer.close()


@pytest.mark.parametrize("client, name", [("java", "kafka-clients"), ("franz", "franz-go"), ("sarama", "sarama")])
def test_other_clients_run_the_same_plan(tidegate, tmp_path, client, name):
    # Sarama's commits name no leader epoch and its consumers leave without a word; it is no less exact.
    done = load(tmp_path, plan=where(tidegate, client=client, duration="5s", rate=200.0, producers=2, consumers=2))
    assert done.code == 0, done.explain()
    assert name in done.report["target"]["client"]
    counts = done.report["verdict"]["counts"]
    assert counts["sent"] == counts["acknowledged"] == counts["present"] == 2000


def test_a_client_without_its_driver_says_how_to_build_it(tidegate, tmp_path):
    done = load(
        tmp_path,
        plan=where(tidegate, client="java"),
        environment={"TIDEGATE_LOAD_DRIVERS": os.fspath(tmp_path / "nowhere")},
    )
    assert done.code == 2 and "build.sh" in done.out, done.explain()
