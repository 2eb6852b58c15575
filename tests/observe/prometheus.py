"""A real Prometheus (Debian's package, unpacked by tests/clients/setup.sh) for the tests and for pictures."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from gateway import free_port

CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
UNPACKED = CACHE / "clients" / "prometheus" / "usr" / "bin"


def program(name):
    """The path of `prometheus` or `promtool`."""
    unpacked = UNPACKED / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    assert found, f"{name} is missing: tests/clients/setup.sh unpacks it"
    return found


class Prometheus:
    """A Prometheus of its own directory and port that scrapes `jobs`, {job: address}, every two seconds."""

    def __init__(self, directory, jobs, rules=()):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = f"127.0.0.1:{free_port()}"
        self.log = self.directory / "prometheus.log"
        scrapes = [{"job_name": job, "static_configs": [{"targets": [to]}]} for job, to in jobs.items()]
        # JSON is YAML.
        every = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
        config = {"global": every, "scrape_configs": scrapes, "rule_files": list(map(str, rules))}
        (self.directory / "prometheus.yml").write_text(json.dumps(config))
        self._process = None

    def __enter__(self):
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={self.directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.directory / 'data'}",
                    f"--web.listen-address={self.address}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2):
                    return self
            except OSError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.2)

    def __exit__(self, *error):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, path, **parameters):
        """The `data` of an answer of the HTTP API; fails with what Prometheus says of a bad query."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expression):
        """The series that the expression has now."""
        return self.ask("query", query=expression)["result"]

    def query_until(self, expression, holds, within_s=60):
        """The series as soon as `holds` is true of them, or else those that there are in the end.

        A scrape that took too long, as it may on a busy machine, leaves nothing to see until the next one.
        """
        end = time.monotonic() + within_s
        while not holds(rows := self.query(expression)) and time.monotonic() < end:
            time.sleep(1)
        return rows

    def range(self, expression, start, end, step):
        """The series that the expression has from `start` to `end`."""
        return self.ask("query_range", query=expression, start=start, end=end, step=step)["result"]
