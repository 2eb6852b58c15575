"""Apicurio Registry as a process under test, and its Confluent-compatible API."""

import os
import subprocess
import time
from pathlib import Path

import requests

from gateway import free_port
from ten_schemas import Schema

_HERE = Path(__file__).resolve().parent
_READY_TIMEOUT_S = 90
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class Apicurio:
    """One registry with all of its state in the Kafka at `bootstrap`."""

    def __init__(self, bootstrap: str, log: Path):
        self._bootstrap = bootstrap
        self._log = log
        self._process: subprocess.Popen | None = None
        self._session = requests.Session()
        self._url = ""

    @property
    def url(self) -> str:
        """Where its Confluent-compatible API is."""
        return self._url

    def start(self) -> None:
        """Starts the process and returns when its API answers."""
        folder = subprocess.run(
            [_HERE / "apicurio.sh", "install"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
        port = free_port()
        self._url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
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
        self._wait_ready()

    def _wait_ready(self) -> None:
        end = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < end:
            assert self._process is not None and self._process.poll() is None, self.explain("ended by itself")
            try:
                if self._session.get(self._url + "/subjects", timeout=5).status_code == 200:
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

    def register(self, schema: Schema) -> int:
        """Registers `schema` under its subject; the answer is its id."""
        body = {"schemaType": schema.kind, "schema": schema.text}
        answer = self._session.post(
            f"{self._url}/subjects/{schema.subject}/versions",
            json=body,
            headers={"Content-Type": _MEDIA_TYPE},
            timeout=60,
        )
        assert answer.status_code == 200, self.explain(f"{schema.subject}: {answer.status_code} {answer.text}")
        return answer.json()["id"]

    def put(self, path: str, body: dict) -> None:
        """Changes something at `path`, a config for example."""
        answer = self._session.put(
            self._url + path, json=body, headers={"Content-Type": _MEDIA_TYPE}, timeout=30
        )
        assert answer.ok, self.explain(f"{path}: {answer.status_code} {answer.text}")

    def text_by_id(self, schema_id: int) -> str | None:
        """The text of schema `schema_id`, or None where there is none."""
        return self._text(f"/schemas/ids/{schema_id}")

    def text_by_version(self, subject: str, version: int) -> str | None:
        """The text of a version of `subject`, or None where there is none."""
        return self._text(f"/subjects/{subject}/versions/{version}")

    def _text(self, path: str) -> str | None:
        answer = self._session.get(self._url + path, timeout=30)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()["schema"]
