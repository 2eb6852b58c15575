"""Runs `tidegate load` and reads its report."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 240


@dataclass
class Outcome:
    """What a run came to."""

    code: int
    out: str
    # The JSON report, or None if there is none.
    report: dict | None

    @property
    def faults(self):
        """Kind -> how often."""
        return {fault["kind"]: fault["count"] for fault in self.report["verdict"]["faults"]}

    def explain(self):
        verdict = self.report and json.dumps(self.report["verdict"], indent=1)[:6000]
        return f"exit code {self.code}\n{self.out[-6000:]}\n{verdict}"


class Run:
    """A load test that has been started."""

    def __init__(self, directory, *arguments, plan=None, environment=None):
        """`plan` are settings of the TOML file, by their names."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._report = directory / "report.json"
        self._out = directory / "load.out"
        command = [os.environ["TIDEGATE_BIN"], "load", *arguments, "--report", self._report]
        if plan:
            file = directory / "plan.toml"
            file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in plan.items()))
            command += ["--config", file]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        # The drivers are where build.sh put them.
        kept |= {name: os.environ[name] for name in ("TIDEGATE_CACHE",) if name in os.environ}
        with self._out.open("w") as out:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=kept | (environment or {}),
                cwd=directory,
            )

    def wait(self):
        try:
            code = self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()
        report = json.loads(self._report.read_text()) if self._report.exists() else None
        return Outcome(code, self._out.read_text(errors="replace"), report)


def load(directory, *arguments, **options):
    return Run(directory, *arguments, **options).wait()
