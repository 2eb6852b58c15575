"""`tidegate schema` as a user types it, against one registry."""

import json
import os
import subprocess

TIMEOUT_S = 60


class SchemaCommand:
    """The commands on the registry at `url`. TIDEGATE_BIN names the binary."""

    def __init__(self, url: str):
        self.url = url

    def run(self, *arguments: str, exit: int = 0, stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
        """Runs one command, which must end with the code `exit`."""
        done = subprocess.run(
            [os.environ["TIDEGATE_BIN"], "schema", *arguments],
            env=os.environ | {"TIDEGATE_REGISTRY_URL": self.url} | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == exit, f"{arguments}: {done}"
        return done

    def json(self, *arguments: str, exit: int = 0, stdin: str = ""):
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json", exit=exit, stdin=stdin).stdout)

    def refused(self, *arguments: str, exit: int = 1) -> str:
        """What a command says that must fail."""
        return self.run(*arguments, exit=exit).stderr
