"""Kafka's command line tools of one release, by the names of the scripts that start them.

The tools run one after the other in one JVM (Runner.java), or, where a test has to end them in the
middle, as processes of their own.
"""

import json
import os
import queue
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
RELEASES = ["4.3.1", "3.9.1"]
_JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]

_TOOLS = "org.apache.kafka.tools."
_CLASSES = {
    "kafka-acls": _TOOLS + "AclCommand",
    "kafka-broker-api-versions": _TOOLS + "BrokerApiVersionsCommand",
    "kafka-client-metrics": _TOOLS + "ClientMetricsCommand",
    "kafka-cluster": _TOOLS + "ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": _TOOLS + "consumer.ConsoleConsumer",
    "kafka-console-producer": _TOOLS + "ConsoleProducer",
    "kafka-consumer-groups": _TOOLS + "consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": _TOOLS + "ConsumerPerformance",
    "kafka-delete-records": _TOOLS + "DeleteRecordsCommand",
    "kafka-e2e-latency": _TOOLS + "EndToEndLatency",
    "kafka-features": _TOOLS + "FeatureCommand",
    "kafka-get-offsets": _TOOLS + "GetOffsetShell",
    "kafka-groups": _TOOLS + "GroupsCommand",
    "kafka-leader-election": _TOOLS + "LeaderElectionCommand",
    "kafka-log-dirs": _TOOLS + "LogDirsCommand",
    "kafka-metadata-quorum": _TOOLS + "MetadataQuorumCommand",
    "kafka-producer-perf-test": _TOOLS + "ProducerPerformance",
    "kafka-reassign-partitions": _TOOLS + "reassign.ReassignPartitionsCommand",
    "kafka-topics": _TOOLS + "TopicCommand",
    "kafka-transactions": _TOOLS + "TransactionsCommand",
    "kafka-verifiable-consumer": _TOOLS + "VerifiableConsumer",
    "kafka-verifiable-producer": _TOOLS + "VerifiableProducer",
}
# What had other names before 4.0.
_CLASSES_3 = {
    "kafka-acls": "kafka.admin.AclCommand",
    "kafka-broker-api-versions": "kafka.admin.BrokerApiVersionsCommand",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
}


@dataclass
class Result:
    """What a tool gave the shell."""

    exit: int
    out: str
    err: str

    def __str__(self):
        return f"exit status {self.exit}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class ToolFailed(AssertionError):
    """A tool ended otherwise than the test asked for, or not in time."""


class Tools:
    """The tools of a release, told of one server."""

    def __init__(self, release, bootstrap):
        self.release = release
        self._bootstrap = bootstrap
        self._class_path = f"{_runner_classes()}:{_jars(release)}/*"
        self._process = None
        self._answers = None

    def run(self, tool, *arguments, stdin="", exit=0, timeout_s=180):
        """Runs a tool on the server; returns its Result, which has the wanted exit status.

        `exit` None takes any status.
        """
        result = self._ask(self._class(tool), self._complete(tool, arguments), stdin, timeout_s)
        if exit is not None and result.exit != exit:
            raise ToolFailed(f"{tool} {' '.join(map(str, arguments))}: {result}")
        return result

    def out(self, tool, *arguments, **options):
        """The lines of a tool's stdout, when it exits with 0 and says nothing on stderr."""
        result = self.run(tool, *arguments, **options)
        if result.err:
            raise ToolFailed(f"{tool} {' '.join(map(str, arguments))}: {result}")
        return result.out.splitlines()

    def spawn(self, tool, *arguments, **options):
        """Starts a tool as a process of its own."""
        command = [*_JAVA, "-cp", self._class_path, self._class(tool), *self._complete(tool, arguments)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, **options)

    def close(self):
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _class(self, tool):
        if self.release.startswith("3."):
            return _CLASSES_3.get(tool, _CLASSES[tool])
        return _CLASSES[tool]

    def _complete(self, tool, arguments):
        arguments = [str(argument) for argument in arguments]
        if self.release.startswith("3."):
            # Two had no option for the server; the first takes a list of properties, which must come last.
            if tool == "kafka-producer-perf-test":
                return [*arguments, f"bootstrap.servers={self._bootstrap}"]
            if tool == "kafka-e2e-latency":
                return [self._bootstrap, *arguments]
        server = ["--bootstrap-server", self._bootstrap]
        if tool == "kafka-consumer-groups":
            # It allows the server five seconds of its own accord.
            arguments = [*arguments, "--timeout", "60000"]
        # argparse wants the options of a command after the command's name.
        if tool == "kafka-cluster":
            return [*arguments, *server]
        return [*server, *arguments]

    def _ask(self, name, arguments, stdin, timeout_s):
        if self._process is None:
            self._start()
        order = json.dumps({"class": name, "args": arguments, "stdin": stdin})
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            self.close()
            raise ToolFailed(f"{name} {' '.join(arguments)} took longer than {timeout_s} s") from None
        if not line:
            self.close()
            raise ToolFailed(f"{name} {' '.join(arguments)} ended the JVM")
        return Result(**json.loads(line))

    def _start(self):
        self._process = subprocess.Popen(
            [*_JAVA, "-cp", self._class_path, "Runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._answers), daemon=True).start()


def _read(lines, answers):
    for line in lines:
        answers.put(line)
    answers.put("")


def install():
    """Fetches the jars of all releases and compiles the Runner, once."""
    _runner_classes()
    for release in RELEASES:
        _jars(release)


def _runner_classes():
    """The folder of the compiled Runner, which is the same for all releases."""
    script = HERE.parent / "java" / "compile.sh"
    class_path = _output(script, "3.9.1", "tools", HERE / "Runner.java")
    return class_path.strip().split(":")[0]


def _jars(release):
    """The folder with the jars of a release."""
    if release == "4.3.1":
        _output(HERE.parent / "kafka" / "kafka.sh", "install")
    else:
        _output(HERE.parent / "java" / "jars.sh", HERE / "pom.xml", CACHE / f"kafka-{release}")
    return CACHE / f"kafka-{release}"


def _output(*command):
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True).stdout
