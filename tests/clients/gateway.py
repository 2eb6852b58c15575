"""The server under test: Tidegate, or Apache Kafka with TARGET=kafka.

Tests see one class and do not ask which it is, so that each of them can be
shown right on Kafka first.
"""

import http.client
import os
import shlex
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from ports import free_port

HERE = Path(__file__).resolve().parent
TARGET = os.environ.get("TARGET", "tidegate")
KAFKA_SH = HERE.parent / "kafka" / "kafka.sh"
READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


class GatewayFailed(Exception):
    """The server did not start, or ended by itself. Carries the end of its log."""


class Gateway:
    """A server on a directory and a port of its own, which survive its restarts."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.admin_port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.admin = f"127.0.0.1:{self.admin_port}"

    def start(self):
        """Starts the server and returns when it is ready, or raises GatewayFailed."""
        raise NotImplementedError

    def terminate(self):
        """Asks the server to stop (SIGTERM) and waits until it has."""
        raise NotImplementedError

    def kill(self):
        """Ends the server without a warning (SIGKILL)."""
        raise NotImplementedError

    def restart(self, hard=False):
        """Stops the server, by SIGKILL if `hard`, and starts it on the same directory and port."""
        if hard:
            self.kill()
        else:
            self.terminate()
        self.start()

    @property
    def log(self):
        raise NotImplementedError

    def log_tail(self, lines=60):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _fail(self, what):
        raise GatewayFailed(f"{what}\nthe end of {self.log}:\n{self.log_tail()}")


class Tidegate(Gateway):
    def __init__(self, directory, arguments=(), kafka_settings=None, registry=False):
        super().__init__(directory)
        # Off where it is not wanted: its usual port is one for all gateways of a machine.
        self.registry = f"127.0.0.1:{free_port()}" if registry else "off"
        # Tests write records with old timestamps; kafka.sh has retention off as well.
        kafka_settings = {"log.retention.ms": "-1"} | (kafka_settings or {})
        self._settings = {
            "TIDEGATE_KAFKA_" + name.upper().replace(".", "_"): value
            for name, value in kafka_settings.items()
        }
        binary = os.environ.get("TIDEGATE_BIN")
        if not binary:
            raise GatewayFailed("TIDEGATE_BIN must name the tidegate binary (or set TARGET=kafka)")
        self._command = [
            binary,
            "serve",
            *("--listen", self.bootstrap),
            *("--admin-listen", self.admin),
            *("--registry-listen", self.registry),
            *("--data-dir", str(self.directory / "data")),
            *shlex.split(os.environ.get("TIDEGATE_ARGS", "")),
            *arguments,
        ]
        self._process = None

    @property
    def log(self):
        return self.directory / "server.log"

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        self._spawn()
        try:
            self._wait_until_ready()
        except BaseException:
            self._process.kill()
            self._process.wait()
            self._process = None
            raise

    def start_and_kill(self, after_s):
        """Starts the server and ends it (SIGKILL) while it may still be recovering."""
        self._spawn()
        time.sleep(after_s)
        self.kill()

    def _spawn(self):
        assert self._process is None, "the gateway is running already"
        # Settings of whoever runs the tests are not settings of the gateway under test.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        environment |= self._settings
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def _wait_until_ready(self):
        end = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < end:
            code = self._process.poll()
            if code is not None:
                self._fail(f"the gateway ended with {code} before it was ready")
            try:
                with urllib.request.urlopen(f"http://{self.admin}/ready", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        self._fail(f"the gateway was not ready within {READY_TIMEOUT_S} s")

    def running(self):
        return self._process is not None and self._process.poll() is None

    def terminate(self):
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self._fail(f"the gateway did not stop within {STOP_TIMEOUT_S} s of SIGTERM")
        # A gateway that had died before, or that cannot stop in order, is not one to go on with.
        if code not in (0, -signal.SIGTERM):
            self._fail(f"the gateway ended with {code}")

    def kill(self):
        process, self._process = self._process, None
        if process is None:
            return
        died_before = process.poll()
        process.kill()
        process.wait()
        if died_before is not None:
            self._fail(f"the gateway had ended by itself with {died_before}")


class Kafka(Gateway):
    def __init__(self, directory, kafka_settings=None):
        super().__init__(directory)
        self._told = [word for pair in (kafka_settings or {}).items() for word in ("--set", "=".join(pair))]

    @property
    def log(self):
        return self.directory / "server.out"

    def _script(self, verb, *arguments):
        done = subprocess.run(
            [KAFKA_SH, verb, "--dir", self.directory, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            self._fail(f"kafka.sh {verb} failed: {done.stderr}")

    def start(self):
        self._script("start", "--port", str(self.port), *self._told)

    def running(self):
        try:
            os.kill(int((self.directory / "pid").read_text()), 0)
            return True
        except (OSError, ValueError):
            return False

    def terminate(self):
        if (self.directory / "pid").exists():
            self._script("stop")

    def kill(self):
        if (self.directory / "pid").exists():
            self._script("kill")


def new_gateway(directory, arguments=(), kafka_settings=None, registry=False):
    """A server of the kind that TARGET names, not started yet.

    `arguments` and `registry`, a schema registry inside, are Tidegate's alone; `kafka_settings` are broker configs.
    """
    if TARGET == "kafka":
        return Kafka(directory, kafka_settings)
    if TARGET == "tidegate":
        return Tidegate(directory, arguments, kafka_settings, registry)
    raise GatewayFailed(f"TARGET is {TARGET}; it can be tidegate or kafka")
