"""One symptom, produced on purpose: servers of its own, and the check of what the guide says of it."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import gateway as servers
import guide

PATIENCE_S = 60
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples_of(text):
    """The text of /metrics: each name to its (labels, value)s."""
    samples = {}
    for line in text.splitlines():
        if found := _SAMPLE.match(line):
            name, labels, value = found.groups()
            samples.setdefault(name, []).append((dict(_LABEL.findall(labels or "")), float(value)))
    return samples


class Case:
    """Holds a test to the claims of one symptom in the guide."""

    def __init__(self, symptom, directory, faults):
        self.symptom = symptom
        self.directory = directory
        self.faults = faults
        self.heard = []
        self.is_checked = False
        self._started = []

    def gateway(self, *arguments, kafka=None, registry=False, start=True, name="gateway", variables=None):
        """A gateway of this test's own. It logs as the guide says that one has to let it log."""
        debug = any(pieces[0] == "DEBUG" for pieces in self.symptom.log)
        arguments = ["--log-level", "debug" if debug else "info", *arguments]
        server = servers.Tidegate(self.directory / name, arguments, kafka, registry)
        server._settings |= variables or {}
        self._started.append(server)
        if start:
            server.start()
        return server

    def gateway_with_faults(self, *arguments, **options):
        """One whose disk and clock `faults` can spoil."""
        self.faults.set()
        return self.gateway(*arguments, variables=self.faults.variables, **options)

    def hears(self, error):
        """Notes what a client was told."""
        self.heard.append(str(error))

    def is_unheard(self):
        """Whether no client was told yet what the guide says of it."""
        return not all(any(text in heard for heard in self.heard) for text in self.symptom.client)

    @contextlib.contextmanager
    def produced(self, gateway):
        """What is done within produces the symptom; then all that the guide says of it must be there."""
        before = self._scrape(gateway)
        log_from = gateway.log.stat().st_size if gateway.log.exists() else 0
        yield
        self.is_checked = True
        self._check_client()
        self._wait(lambda: self._missing(gateway, before, log_from))
        for command in self.symptom.commands:
            self._check_command(gateway, command)

    def wait_for_log(self, text, gateway):
        self._wait(lambda: [] if text in gateway.log.read_text(errors="replace") else [f"log: {text}"])

    def _missing(self, gateway, before, log_from):
        """The claims that do not hold yet."""
        with gateway.log.open(errors="replace") as log:
            log.seek(log_from)
            lines = log.read().splitlines()
        missing = [f"log: {pieces}" for pieces in self.symptom.log if guide.line_with(pieces, lines) is None]
        after = self._scrape(gateway)
        for metric in self.symptom.metrics:
            if not metric.holds(before, after):
                seen = after.get(metric.name, "no series")
                missing.append(f"metric: {metric.name} {metric.labels} {metric.claim}; served: {seen}")
        return missing

    def _wait(self, missing):
        end = time.monotonic() + PATIENCE_S
        while left := missing():
            assert time.monotonic() < end, "the guide names what was not seen:\n" + "\n".join(left)
            time.sleep(0.2)

    def _check_client(self):
        for text in self.symptom.client:
            assert any(text in heard for heard in self.heard), f"no client was told {text!r}, but {self.heard}"

    def _check_command(self, gateway, command):
        done = tidegate(gateway, *command.arguments)
        output = " ".join((done.stdout + done.stderr).split())
        found = guide.line_with([" ".join(piece.split()) for piece in command.pieces], [output])
        assert found, f"tidegate {shlex.join(command.arguments)} printed\n{done.stdout}{done.stderr}"

    def _scrape(self, gateway):
        """The metrics; those of a gateway that does not answer are `up 0`, as Prometheus has it."""
        try:
            with urllib.request.urlopen(f"http://{gateway.admin}/metrics", timeout=PATIENCE_S) as answer:
                return samples_of(answer.read().decode()) | {"up": [({}, 1.0)]}
        except (urllib.error.URLError, OSError):
            return {"up": [({}, 0.0)]}

    def stop(self):
        for server in self._started:
            # What a symptom leaves behind may not stop in order.
            with contextlib.suppress(servers.GatewayFailed):
                server.kill()
            # The log stays for whoever looks at a failure; the data of all tests would fill a small disk.
            shutil.rmtree(server.directory / "data", ignore_errors=True)


class Faults:
    """What a gateway that was started with these variables gets from its disk and its clock."""

    def __init__(self, library, file):
        self._file = file
        self.variables = {"LD_PRELOAD": str(library), "FAULTS": str(file)}

    def set(self, sync_ms=0, full=0, ahead_ms=0):
        # Replaced in one step: the gateway reads it at any moment.
        new = self._file.with_suffix(".new")
        new.write_text(f"{sync_ms} {full} {ahead_ms}\n")
        new.rename(self._file)


def tidegate(gateway, *arguments):
    """Runs one of our commands on a gateway, as an operator would."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    environment["TIDEGATE_BOOTSTRAP"] = gateway.bootstrap
    environment["TIDEGATE_ADMIN_URL"] = f"http://{gateway.admin}"
    if gateway.registry != "off":
        environment["TIDEGATE_REGISTRY_URL"] = f"http://{gateway.registry}"
    words = [word.replace("./tidegate-data", str(gateway.directory / "data")) for word in arguments]
    command = [os.environ["TIDEGATE_BIN"], *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
