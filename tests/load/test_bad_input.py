"""What cannot be run ends with exit code 2, and a sentence that says what to do."""

import http.server
import os
import subprocess
import threading

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

import gateway as servers
from load import load
from server_fixtures import under_test

SHORT = {"preset": "quick", "duration": "1s"}


@pytest.fixture(scope="module")
def tidegate(tmp_path_factory):
    with under_test(servers.Tidegate(tmp_path_factory.mktemp("gateway"), registry=True)) as server:
        yield server


def where(gateway, **settings):
    return SHORT | {"bootstrap": gateway.bootstrap, "registry": f"http://{gateway.registry}"} | settings


def refused(outcome, *words):
    """Exit code 2, and no more than a few lines in which these words are."""
    assert outcome.code == 2, outcome.explain()
    for word in words:
        assert word in outcome.out, outcome.explain()
    assert "panicked" not in outcome.out and "RUST_BACKTRACE" not in outcome.out


def test_an_unknown_preset_is_answered_with_the_known_ones(tmp_path):
    refused(load(tmp_path, "fastest"), "fastest", "quick", "standard", "stress", "endurance", "default", "schema")


def test_an_unreachable_broker_is_named(tmp_path):
    nobody = f"127.0.0.1:{servers.free_port()}"
    refused(load(tmp_path, plan=SHORT | {"bootstrap": nobody, "registry": "http://127.0.0.1:1"}), nobody)


def test_a_name_that_is_no_host_is_named(tmp_path):
    refused(load(tmp_path, plan=SHORT | {"bootstrap": "no-such-host.invalid:9092"}), "no-such-host.invalid")


class _Page(http.server.BaseHTTPRequestHandler):
    """A registry's address at which there is a web page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>Welcome</title>")

    do_POST = do_PUT = do_GET

    def log_message(self, *_):
        pass


def test_a_registry_that_answers_html_is_recognized(tidegate, tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{page.server_port}"
        outcome = load(tmp_path, plan=where(tidegate, registry=url))
        page.shutdown()
    refused(outcome, url, "web page")


def test_an_unreachable_registry_is_named(tidegate, tmp_path):
    url = f"http://127.0.0.1:{servers.free_port()}"
    refused(load(tmp_path, plan=where(tidegate, registry=url)), url)


def test_a_topic_with_other_partitions_is_named(tidegate, tmp_path):
    admin = AdminClient({"bootstrap.servers": tidegate.bootstrap})
    admin.create_topics([NewTopic("seven-0", 7, 1)])["seven-0"].result(60)
    refused(load(tmp_path, plan=where(tidegate, topic_prefix="seven")), "seven-0", "7 partitions", "4")


@pytest.mark.parametrize(
    "text, words",
    [
        ("duration = 15s\n", ["line 1"]),
        ('durration = "15s"\n', ["durration", "duration"]),
        ('duration = "a while"\n', ["duration", "a while"]),
        ('preset = "quick"\nbytes = 10\n', ["bytes", "10"]),
        ("producers = 0\n", ["producers"]),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, text, words):
    file = tmp_path / "plan.toml"
    file.write_text(text)
    refused(load(tmp_path, "--config", file), *words)


def test_a_missing_file_is_named(tmp_path):
    refused(load(tmp_path, "--config", tmp_path / "none.toml"), "none.toml")


def test_a_report_into_no_folder_is_refused(tidegate, tmp_path):
    path = tmp_path / "none" / "report.html"
    refused(load(tmp_path, "--report", path, plan=where(tidegate)), str(path))


def test_a_full_disk_is_told_and_the_verdict_still_printed(tidegate, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        outcome = load(tmp_path, "--report", disk / "report.json", plan=where(tidegate))
        left = os.listdir(disk)
    finally:
        subprocess.run(["umount", disk], check=True)
    refused(outcome, str(disk / "report.json"), "no space is left")
    assert "10/10" in outcome.out
    # Nothing half written stays behind.
    assert left == []
