"""Kafka Connect's distributed worker on the gateway: a file's lines through a topic into another file."""

import itertools

import topics
from apps import ConnectWorker, wait_until

_SOURCE = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
    "tasks.max": "1",
    "topic": "lines",
    "batch.size": "100",
}
_SINK = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": "1",
    "topics": "lines",
}
# Lines written between one event of the test and the next.
_LINES = 2_000


class Files:
    """The file that is read and the one that is written."""

    def __init__(self, directory):
        self.source = directory / "in.txt"
        self.sink = directory / "out.txt"
        self._numbers = itertools.count()
        self.written = []

    def write(self, count=_LINES):
        lines = [f"line {number}" for number in itertools.islice(self._numbers, count)]
        self.written += lines
        with self.source.open("a") as file:
            file.writelines(line + "\n" for line in lines)

    def arrived(self):
        return self.sink.read_text().splitlines() if self.sink.exists() else []

    def wait(self, worker, count=None):
        """Until the last written line, or one of the first `count` of the batch, has arrived."""
        wanted = self.written[-1] if count is None else self.written[-_LINES + count]
        wait_until(f"{wanted!r} in the sink", lambda: wanted in set(self.arrived()), alive=[worker])


def without_repetitions(lines):
    return list(dict.fromkeys(lines))


def start(worker, files):
    files.write()
    worker.start()
    worker.wait_ready()
    worker.create("source", _SOURCE | {"file": str(files.source)})
    worker.create("sink", _SINK | {"file": str(files.sink)})
    worker.wait_running("source", "sink")


def test_every_line_arrives_in_order_over_kills_of_the_worker_and_of_the_gateway(gateway, app, tmp_path):
    """At least once, as Connect promises: repetitions after a kill are left out of the comparison."""
    files = Files(tmp_path)
    worker = app(ConnectWorker, gateway.bootstrap)
    start(worker, files)
    files.wait(worker)
    # Nothing was disturbed yet, so nothing may be repeated.
    assert files.arrived() == files.written

    for topic in ConnectWorker.TOPICS.values():
        assert topics.configs_of(gateway.bootstrap, topic)["cleanup.policy"] == "compact", topic

    files.write()
    files.wait(worker, count=1)
    worker.kill()
    files.write()
    worker.start()
    # The connectors are not created again: the worker finds them in its topics.
    files.wait(worker)
    assert without_repetitions(files.arrived()) == files.written, "after the worker was killed"

    files.write()
    files.wait(worker, count=1)
    gateway.restart(hard=True)
    files.write()
    files.wait(worker)
    assert without_repetitions(files.arrived()) == files.written, "after the gateway was killed"
    worker.wait_running("source", "sink")


def test_worker_stopped_in_order_repeats_nothing_and_reset_offsets_repeat_all(gateway, app, tmp_path):
    files = Files(tmp_path)
    worker = app(ConnectWorker, gateway.bootstrap)
    start(worker, files)
    files.wait(worker)

    worker.stop()
    gateway.restart()
    files.write()
    worker.start()
    worker.wait_ready()
    files.wait(worker)
    assert files.arrived() == files.written, "after both were stopped and started"

    def offsets(name):
        return worker.ask("GET", f"/connectors/{name}/offsets")["offsets"]

    end = [{"partition": {"kafka_topic": "lines", "kafka_partition": 0}, "offset": {"kafka_offset": 2 * _LINES}}]
    wait_until("the sink's commit", lambda: offsets("sink") == end, alive=[worker])
    size = files.source.stat().st_size
    source = [{"partition": {"filename": str(files.source)}, "offset": {"position": size}}]
    wait_until("the source's commit", lambda: offsets("source") == source, alive=[worker])

    worker.ask("PUT", "/connectors/sink/stop")
    wait_until(
        "the sink to stop",
        lambda: worker.ask("GET", "/connectors/sink/status")["connector"]["state"] == "STOPPED",
        alive=[worker],
    )
    worker.ask("DELETE", "/connectors/sink/offsets")
    assert offsets("sink") == []
    files.sink.unlink()
    worker.ask("PUT", "/connectors/sink/resume")
    files.wait(worker)
    assert files.arrived() == files.written, "after the sink's offsets were reset"
