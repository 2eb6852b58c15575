"""The servers under measurement, and what /proc knows of them."""

import http.client
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_TESTS / "clients"))

from gateway import free_port

_KAFKA_SH = _TESTS / "kafka" / "kafka.sh"
_READY_TIMEOUT_S = 300
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Server:
    """A server with a data directory of its own, started and ended as often as one likes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.pid = 0
        self._port = free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"

    def start(self) -> float:
        """Starts the server; the answer is the seconds until it was ready."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        raise NotImplementedError

    def destroy(self) -> None:
        """Kills the server and removes its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu_s(self) -> float:
        """User and system time so far, all threads."""
        text = Path(f"/proc/{self.pid}/stat").read_text()
        # The command name may hold spaces; fields count from behind its bracket.
        fields = text[text.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def memory_mib(self, field: str) -> float:
        """`VmRSS`, resident now, or `VmHWM`, the most that ever was."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise LookupError(field)


class Kafka(Server):
    """Apache Kafka with 1 GiB of heap."""

    def __init__(self, folder: Path, flush_every_batch: bool):
        super().__init__(folder)
        self._options = ["--flush-every-batch"] if flush_every_batch else []

    def start(self) -> float:
        begin = time.monotonic()
        said = subprocess.run(
            [_KAFKA_SH, "start", "--port", str(self._port), "--dir", self.folder, "--heap", "1g", *self._options],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        self.pid = int(said.split()[0])
        return time.monotonic() - begin

    def kill(self) -> None:
        if self.pid:
            subprocess.run([_KAFKA_SH, "kill", "--dir", self.folder], check=True)
            self.pid = 0


class Tidegate(Server):
    """The gateway at $TIDEGATE_BIN, with the options of $BENCH_TIDEGATE_OPTIONS."""

    def __init__(self, folder: Path, settings: dict[str, str]):
        super().__init__(folder)
        self._environment = os.environ | settings
        self._admin_port = free_port()
        self._process: subprocess.Popen | None = None

    def start(self) -> float:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [os.environ["TIDEGATE_BIN"], "serve"]
        command += ["--listen", self.bootstrap, "--admin-listen", f"127.0.0.1:{self._admin_port}"]
        command += ["--data-dir", str(self.folder / "data")]
        command += shlex.split(os.environ.get("BENCH_TIDEGATE_OPTIONS", ""))
        begin = time.monotonic()
        with (self.folder / "server.out").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self.pid = self._process.pid
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() - begin > _READY_TIMEOUT_S:
                tail = (self.folder / "server.out").read_text(errors="replace")[-4000:]
                raise RuntimeError(f"Tidegate did not become ready:\n{tail}")
            time.sleep(0.01)
        return time.monotonic() - begin

    def _ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self._admin_port, timeout=5)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


# A write-ahead log of 2 GiB and no checkpoint: a kill finds all of the data in the log alone.
_NO_CHECKPOINT = {
    "TIDEGATE_WAL_FILES": "32",
    "TIDEGATE_WAL_FILE_BYTES": str(64 << 20),
    "TIDEGATE_CHECKPOINT_BYTES": str(1 << 40),
    "TIDEGATE_CHECKPOINT_INTERVAL_MS": "86400000",
}


def make(name: str, folder: Path, without_checkpoints: bool = False) -> Server:
    """The server called `name` in $BENCH_TARGETS."""
    match name:
        case "kafka":
            return Kafka(folder, flush_every_batch=False)
        case "kafka-flush":
            return Kafka(folder, flush_every_batch=True)
        case "tidegate":
            return Tidegate(folder, _NO_CHECKPOINT if without_checkpoints else {})
    raise ValueError(f"unknown target {name}")
