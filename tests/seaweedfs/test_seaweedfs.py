"""The fixture itself: what other suites take from it, shown on a real cluster."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from seaweedfs import free_port, start_of

SCRIPT = Path(__file__).resolve().parent / "seaweedfs.py"
LARGE = bytes(range(256)) * 4096


def put(filer, path, body):
    request = urllib.request.Request(f"http://{filer}{path}", data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 201


def get(filer, path, timeout=60):
    with urllib.request.urlopen(f"http://{filer}{path}", timeout=timeout) as answer:
        return answer.read()


# Its first thread ends and stays a zombie, the second holds the socket: what a SIGKILL does for a moment.
HALF_ENDED = """
import ctypes, socket, sys, threading, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=lambda: time.sleep(60)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_runs_as_long_as_one_of_its_threads_holds_its_sockets():
    port = free_port()
    child = subprocess.Popen([sys.executable, "-c", HALF_ENDED, str(port)], start_new_session=True)
    try:
        end = time.monotonic() + 30
        while ") Z" not in Path(f"/proc/{child.pid}/stat").read_text():
            assert child.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        socket.create_connection(("127.0.0.1", port)).close()
        assert start_of(child.pid)
    finally:
        child.kill()
    end = time.monotonic() + 30
    while start_of(child.pid):
        assert time.monotonic() < end
        time.sleep(0.01)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    child.wait()


def test_a_file_survives_kill_and_restart_of_its_filer(new_seaweedfs):
    cluster = new_seaweedfs()
    put(cluster.filers[0], "/kept", LARGE)
    cluster.kill("filer-0")
    with pytest.raises(urllib.error.URLError):
        get(cluster.filers[0], "/kept")
    cluster.restart("filer-0")
    assert get(cluster.filers[0], "/kept") == LARGE


def test_a_second_filer_comes_to_have_what_the_first_took(new_seaweedfs):
    cluster = new_seaweedfs(filers=2)
    put(cluster.filers[0], "/told", b"told")
    end = time.monotonic() + 60
    while True:
        try:
            assert get(cluster.filers[1], "/told") == b"told"
            break
        except urllib.error.HTTPError:
            # It has not heard of the file, or not yet of the volume that it is on.
            assert time.monotonic() < end
        time.sleep(0.05)


def test_a_paused_filer_takes_connections_and_does_not_answer(new_seaweedfs):
    cluster = new_seaweedfs()
    put(cluster.filers[0], "/late", b"late")
    cluster.pause("filer-0")
    with pytest.raises(TimeoutError):
        get(cluster.filers[0], "/late", timeout=2)
    cluster.resume("filer-0")
    assert get(cluster.filers[0], "/late") == b"late"


def test_the_command_line_starts_kills_and_stops(tmp_path):
    def run(*words):
        done = subprocess.run(
            [sys.executable, SCRIPT, words[0], "--dir", tmp_path, *words[1:]], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    try:
        first = run("start")
        put(first["filers"][0], "/kept", b"kept")
        assert run("kill", "filer-0")["parts"]["filer-0"]["pid"] is None
        again = run("restart", "filer-0")
        assert again["filers"] == first["filers"]
        assert get(again["filers"][0], "/kept") == b"kept"
        # On the same directory all comes back with what it holds.
        run("stop")
        assert run("start")["filers"] == first["filers"]
        assert get(first["filers"][0], "/kept") == b"kept"
    finally:
        last = run("stop")
    assert all(part["pid"] is None for part in last["parts"].values())
