"""Gateways that do not start, and what they say."""

import contextlib
import socket
import subprocess
import time

import gateway as servers
import pytest
from clients_under_trouble import create_topic, send


def started_in_vain(case, server):
    """Starts a gateway that ends by itself; notes what it said. Returns its exit code."""
    with pytest.raises(servers.GatewayFailed) as failed:
        server.start()
    case.hears(failed.value)
    done = subprocess.run(server._command, capture_output=True, text=True, timeout=60, check=False)
    case.hears(done.stderr)
    return done.returncode


def test_directory_locked(symptom):
    owner = symptom.gateway()
    other = symptom.gateway(start=False)
    with symptom.produced(other):
        assert started_in_vain(symptom, other) == 1
    assert owner.running()


def test_port_taken(symptom):
    server = symptom.gateway(start=False)
    with socket.create_server(("127.0.0.1", server.port)), symptom.produced(server):
        assert started_in_vain(symptom, server) == 1


def test_wrong_setting(symptom):
    server = symptom.gateway(start=False)
    settings = symptom.directory / "tidegate.toml"
    settings.write_text('[storage]\nsynch = "always"\n')
    server._command += ["--config", str(settings)]
    with symptom.produced(server):
        assert started_in_vain(symptom, server) == 2


def test_damaged_data(symptom):
    server = symptom.gateway()
    create_topic(server, "orders")
    send(symptom, "orders", 50, b"x" * 1000, gateway=server)
    server.kill()
    damage(server)
    with symptom.produced(server):
        assert started_in_vain(symptom, server) == 4


def damage(server):
    """Changes one byte in the middle of what is stored of the topic."""
    files = [path for path in (server.directory / "data").rglob("*") if path.is_file()]
    for path in files:
        content = path.read_bytes()
        at = content.find(b"x" * 900)
        if at >= 0:
            path.write_bytes(content[: at + 5] + b"y" + content[at + 6 :])
    assert any(b"xxxxy" in path.read_bytes() for path in files)


def test_registry_port_taken(symptom):
    """The default port is the machine's: the test takes it, unless somebody has it and keeps it."""
    server = symptom.gateway(start=False)
    at = server._command.index("--registry-listen")
    del server._command[at : at + 2]
    with taken(8081), symptom.produced(server):
        server.start()


@contextlib.contextmanager
def taken(port):
    """The port is not free within. Another test's server may be about to leave it, and a gateway would find it free."""
    end = time.monotonic() + 20
    holder = None
    while holder is None and time.monotonic() < end:
        try:
            holder = socket.create_server(("127.0.0.1", port))
        except OSError:
            time.sleep(0.2)
    try:
        yield
    finally:
        if holder:
            holder.close()
