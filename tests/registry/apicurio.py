"""Apicurio Registry as a process under test, behind its Confluent-compatible API."""

import os
import subprocess
import time
from pathlib import Path

import requests

from confluent_api import Api
from gateway import free_port

_HERE = Path(__file__).resolve().parent
# Eleven seconds where nothing else runs.
_READY_TIMEOUT_S = 240


class Apicurio(Api):
    """One registry with all of its state in the Kafka at `bootstrap`."""

    def __init__(self, bootstrap: str, log: Path):
        super().__init__()
        self._bootstrap = bootstrap
        self._log = log
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts the process and returns when its API answers."""
        folder = subprocess.run(
            [_HERE / "apicurio.sh", "install"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        settings = {
            "APICURIO_STORAGE_KIND": "kafkasql",
            "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": self._bootstrap,
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(port),
        }
        jar = Path(folder) / "apicurio-registry-app-3.0.9-runner.jar"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)],
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self) -> None:
        end = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < end:
            assert self._process is not None and self._process.poll() is None, self.explain("ended by itself")
            try:
                if self.call("GET", "/subjects").ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.2)
        raise AssertionError(self.explain(f"not ready after {_READY_TIMEOUT_S} s"))

    def explain(self, what: str) -> str:
        """`what`, with the end of the registry's log."""
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-60:])
        return f"registry: {what}; its log ends\n{tail}"

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after ten seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
