"""Applications of Apache Kafka as processes under test: started, killed, and asked over HTTP or the log."""

import os
import subprocess
import time
from pathlib import Path

import requests

from gateway import free_port

_HERE = Path(__file__).resolve().parent
_CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
_JARS = _CACHE / "kafka-apps-4.3.1"
# Several of these share two cores with the server: quick to start matters, top speed does not.
_JVM = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"]
_STOP_TIMEOUT_S = 60
READY_TIMEOUT_S = 240


def install():
    """Fetches the jars that pom.xml pins, once."""
    subprocess.run([_HERE.parent / "java" / "jars.sh", _HERE / "pom.xml", _JARS], check=True, stdin=subprocess.DEVNULL)


def wait_until(what, condition, timeout_s=READY_TIMEOUT_S, alive=()):
    """Asks `condition` until it gives something true, which is returned. Fails early if an app of `alive` ended."""
    end = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        for app in alive:
            assert app.running(), app.explain(f"ended by itself while waiting for {what}")
        if time.monotonic() > end:
            raise AssertionError("\n".join([f"after {timeout_s} s still waiting for {what}", *(a.explain("") for a in alive)]))
        time.sleep(0.2)


class App:
    """One JVM. Its log is kept over restarts."""

    def __init__(self, directory, name, *command):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{name}.log"
        self._command = [*_JVM, "-cp", f"{_JARS}/*", *map(str, command)]
        self._process = None

    def start(self):
        """Starts the process and returns at once."""
        assert self._process is None, "it is running already"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def running(self):
        return self._process is not None and self._process.poll() is None

    def kill(self):
        """Ends the process without a warning (SIGKILL)."""
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self):
        """SIGTERM, and SIGKILL if that takes too long. Does nothing if it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def explain(self, what):
        """`what`, with the end of the application's log."""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-60:])
        return f"{self.log.name}: {what}; its log ends\n{tail}"


def write_properties(path, properties):
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return path


class ConnectWorker(App):
    """One worker of a Connect cluster, with all of the cluster's state in the Kafka at `bootstrap`."""

    TOPICS = {"config": "connect-configs", "offset": "connect-offsets", "status": "connect-status"}

    def __init__(self, directory, bootstrap):
        self._url = f"http://127.0.0.1:{free_port()}"
        self._session = requests.Session()
        properties = {
            "bootstrap.servers": bootstrap,
            "group.id": "connect",
            "listeners": self._url,
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "offset.flush.interval.ms": 500,
            # A worker that was killed is waited for, so that its tasks do not move: here it is the only one.
            "scheduled.rebalance.max.delay.ms": 0,
            # The group of a killed worker, and that of its sink, waits for these before it goes on. A worker that is
            # only slow must not be taken for one, or lines are repeated.
            "session.timeout.ms": 15000,
            "heartbeat.interval.ms": 1000,
            "consumer.session.timeout.ms": 15000,
            "consumer.heartbeat.interval.ms": 1000,
            # Scanning a class path of hundreds of jars takes longer than everything else here.
            "plugin.discovery": "service_load",
        }
        for kind, topic in self.TOPICS.items():
            properties |= {f"{kind}.storage.topic": topic, f"{kind}.storage.replication.factor": 1}
        path = Path(directory) / "worker.properties"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_properties(path, properties)
        super().__init__(directory, "connect", "org.apache.kafka.connect.cli.ConnectDistributed", path)

    def wait_ready(self):
        wait_until("Connect's REST interface", self._answers, alive=[self])

    def _answers(self):
        try:
            return self._session.get(f"{self._url}/connectors", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def ask(self, verb, path, body=None):
        """The answer to one request. Connect refuses with 409 while it rebalances: asked again until it does not."""

        def answer():
            try:
                found = self._session.request(verb, self._url + path, json=body, timeout=30)
            except requests.RequestException:
                return None
            return None if found.status_code in (409, 500, 503) else found

        found = wait_until(f"{verb} {path}", answer, alive=[self])
        assert found.ok, self.explain(f"{verb} {path}: {found.status_code} {found.text}")
        return found.json() if found.content else None

    def create(self, name, config):
        self.ask("PUT", f"/connectors/{name}/config", config)

    def wait_running(self, *names):
        """Returns when each of these connectors runs, with a running task."""

        def running(name):
            try:
                found = self._session.get(f"{self._url}/connectors/{name}/status", timeout=10)
            except requests.RequestException:
                return False
            if not found.ok:
                return False
            status = found.json()
            states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
            assert "FAILED" not in states, self.explain(f"{name}: {status}")
            return len(states) > 1 and set(states) == {"RUNNING"}

        for name in names:
            wait_until(f"connector {name}", lambda: running(name), alive=[self])


class WordCount(App):
    """java/WordCount.java: counts the words of topic `words` into topic `counts`, in a store with a changelog."""

    def __init__(self, directory, bootstrap, guarantee):
        self.state = Path(directory) / "state"
        super().__init__(directory, "wordcount", _HERE / "java" / "WordCount.java", bootstrap, self.state, guarantee)


class MirrorMaker(App):
    """MirrorMaker 2 between two clusters, in both directions."""

    def __init__(self, directory, properties):
        path = Path(directory) / "mm2.properties"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_properties(path, properties)
        super().__init__(directory, "mirror", "org.apache.kafka.connect.mirror.MirrorMaker", path)
