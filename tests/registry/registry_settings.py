"""Gateways with settings of their registry; one lets in nobody but one user, for clients that say who they are."""

import os
import subprocess
from contextlib import contextmanager

import gateway as servers

USER = "alice"
# What URLs, headers and lines of files write in other ways.
PASSWORD = "pass word:é"


@contextmanager
def gateway_with(directory, settings):
    """A running gateway with these lines under [registry]; it is stopped at the end."""
    path = directory / "settings.toml"
    path.write_text(f"[registry]\n{settings}\n")
    server = servers.new_gateway(directory / "gateway", ["--config", str(path)], registry=True)
    server.start()
    try:
        yield server
    finally:
        server.terminate()


def guarded_gateway(directory):
    """A gateway whose registry knows USER by PASSWORD."""
    command = [os.environ["TIDEGATE_BIN"], "registry-user", USER]
    line = subprocess.run(command, input=PASSWORD + "\n", check=True, stdout=subprocess.PIPE, text=True).stdout
    users = directory / "users"
    users.write_text(line)
    return gateway_with(directory, f'users_file = "{users}"')
