"""A gateway whose registry lets in nobody but one user, for clients that have to say who they are."""

import os
import subprocess
from contextlib import contextmanager

import gateway as servers

USER = "alice"
# A space and a sign that URLs and headers write in other ways.
PASSWORD = "pass word:é"


@contextmanager
def guarded_gateway(directory):
    """The gateway, running; it is stopped at the end."""
    made = subprocess.run(
        [os.environ["TIDEGATE_BIN"], "registry-user", USER], input=PASSWORD + "\n", check=True, stdout=subprocess.PIPE, text=True
    )
    users = directory / "users"
    users.write_text(made.stdout)
    settings = directory / "settings.toml"
    settings.write_text(f'[registry]\nusers_file = "{users}"\n')
    server = servers.new_gateway(directory / "gateway", ["--config", str(settings)], registry=True)
    server.start()
    try:
        yield server
    finally:
        server.terminate()
