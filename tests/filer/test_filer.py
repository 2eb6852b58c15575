"""Committed offsets in a filer that dies, hangs, is slow, or is two: nothing acknowledged is lost or goes back."""

import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from filer_proxy import every, nth
from offsets_client import COORDINATOR_NOT_AVAILABLE, NONE, Committed, OffsetsClient

PATIENCE_S = 90
# A request that cannot be kept is answered in this time, and a little more on a slow machine.
SHORT_MS = 1_500
OLD, NEW = Committed(10, 1, "old"), Committed(20, 2, "new")


def file_of(filer, path):
    with urllib.request.urlopen(f"http://{filer}{path}", timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def until(condition, what):
    """Waits until the condition is true; returns what it was."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, what
        time.sleep(0.05)


def commit_until_kept(client, group, committed, partition=0):
    """Asks again as client libraries do."""
    codes = []

    def kept():
        codes.append(client.commit(group, "t", {partition: committed})[partition])
        return codes[-1] == NONE

    until(kept, f"not kept: {codes[-5:]}")
    assert set(codes) <= {NONE, COORDINATOR_NOT_AVAILABLE}, codes


def fetched(client, group, partitions=(0,)):
    """What is committed. A fetch that came to its time limit is asked again, as client libraries do."""
    answers = []

    def found():
        answers.append(client.fetch(group, "t", partitions))
        return isinstance(answers[-1], dict)

    until(found, "no answer")
    assert set(answers[:-1]) <= {COORDINATOR_NOT_AVAILABLE}, answers
    return answers[-1]


def produce(gateway, count):
    producer = Producer({"bootstrap.servers": gateway.bootstrap})
    for number in range(count):
        producer.produce("t", str(number).encode(), partition=0)
    assert producer.flush(PATIENCE_S) == 0


def consume(gateway, group, count):
    """Reads so many records as a member of the group, and commits them."""
    consumer = Consumer(
        {
            "bootstrap.servers": gateway.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["t"])
    values, end = [], time.monotonic() + PATIENCE_S
    try:
        while len(values) < count and time.monotonic() < end:
            message = consumer.poll(0.2)
            if message is not None and not message.error():
                values.append(int(message.value()))
                consumer.commit(message, asynchronous=False)
        return values
    finally:
        consumer.close()


def test_a_consumer_goes_on_where_it_stopped(seaweedfs, new_gateway, folder):
    gateway = new_gateway("filer", folder, *seaweedfs.filers)
    produce(gateway, 30)
    assert consume(gateway, "g/1", 10) == list(range(10))
    gateway.restart(hard=True)
    assert consume(gateway, "g/1", 10) == list(range(10, 20))
    gateway.restart()
    assert consume(gateway, "g/1", 10) == list(range(20, 30))


def test_a_topic_that_was_deleted_while_the_filer_was_away_leaves_nothing_to_the_next_one(new_seaweedfs, new_gateway):
    cluster = new_seaweedfs()
    gateway = new_gateway("filer", "/kafka", *cluster.filers, request_timeout_ms=SHORT_MS)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", NEW)
        cluster.kill("filer-0")
        gateway.command("topic", "delete", "t")
        gateway.restart(hard=True)
        gateway.command("topic", "create", "t", "--partitions", "8")
        cluster.restart("filer-0")
    with OffsetsClient(gateway.bootstrap) as client:
        assert fetched(client, "g") == {0: None}
        commit_until_kept(client, "g", OLD)
        assert fetched(client, "g") == {0: OLD}


def test_files_are_as_the_manual_says(seaweedfs, new_gateway, folder):
    filer = seaweedfs.filers[0]
    gateway = new_gateway("filer", folder, filer)
    produce(gateway, 3)
    consumer = Consumer({"bootstrap.servers": gateway.bootstrap, "group.id": "../g", "client.id": "me"})
    consumer.subscribe(["t"])
    group_file = f"{folder}/consumer_groups/%252E.%252Fg/metadata"

    def group():
        consumer.poll(0.1)
        with contextlib.suppress(urllib.error.HTTPError):
            state = json.loads(file_of(filer, group_file))
            return state if state["members"] and state["state"] == "Stable" else None

    state = until(group, "the group is not shown with its members")
    consumer.commit(offsets=[TopicPartition("t", 5, 42, metadata="a note")], asynchronous=False)
    assert (state["group"], state["protocol_type"]) == ("../g", "consumer")
    (member,) = state["members"]
    assert (member["client_id"], member["subscribed_topics"]) == ("me", ["t"])
    assert member["assigned_partitions"] == {"t": list(range(8))}
    place = f"{folder}/consumer_offsets/%252E.%252Fg/t/5"
    assert file_of(filer, f"{place}/offset") == "42"
    metadata = json.loads(file_of(filer, f"{place}/metadata"))
    assert (metadata["group"], metadata["topic"], metadata["partition"]) == ("../g", "t", 5)
    # This client sends the byte that ends a string in C.
    assert (metadata["offset"], metadata["metadata"].rstrip("\0"), metadata["previous"]) == (42, "a note", None)
    consumer.close()
    until(lambda: json.loads(file_of(filer, group_file))["state"] == "Empty", "the group is not shown as empty")
    # What another hand writes counts.
    put = urllib.request.Request(f"http://{filer}{place}/offset", data=b"17\n", method="PUT")
    urllib.request.urlopen(put, timeout=PATIENCE_S).close()
    with OffsetsClient(gateway.bootstrap) as client:
        assert client.fetch_one("../g", "t", 5) == Committed(17, -1, "")
    gateway.command("group", "delete", "../g")
    for path in (f"{place}/offset", group_file):
        until(lambda path=path: not is_there(filer, path), f"{path} is still there")


def is_there(filer, path):
    try:
        file_of(filer, path)
        return True
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return False


@pytest.mark.parametrize("how", ["cut", "lose", "refuse"])
@pytest.mark.parametrize("file", ["metadata", "offset"])
def test_a_commit_that_is_cut_at_any_step_leaves_one_whole_commit(
    seaweedfs, new_gateway, new_proxy, folder, file, how
):
    proxy = new_proxy(seaweedfs.filers[0])
    gateway = new_gateway("filer", folder, proxy.address, request_timeout_ms=SHORT_MS, settle_ms=200)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", OLD)
        before = len(proxy.done)
        proxy.rule = every("PUT", f"/t/0/{file}", how)
        assert client.commit("g", "t", {0: NEW}) == {0: COORDINATOR_NOT_AVAILABLE}
    gateway.kill()
    until(proxy.is_left, "the gateway is still connected")
    proxy.rule = None
    puts = [path for method, path in proxy.done[before:] if method == "PUT"]
    # On a machine that is very slow a request may have run out of time before it came to the second file.
    happened = any("/t/0/offset" in path for path in puts)
    assert not happened or (how, file) == ("lose", "offset")
    gateway.start()
    with OffsetsClient(gateway.bootstrap) as client:
        assert fetched(client, "g") == {0: NEW if happened else OLD}
        commit_until_kept(client, "g", Committed(30, 3, "newest"))
        assert fetched(client, "g") == {0: Committed(30, 3, "newest")}


def test_a_request_that_one_failure_met_is_kept_all_the_same(seaweedfs, new_gateway, new_proxy, folder):
    proxy = new_proxy(seaweedfs.filers[0])
    gateway = new_gateway("filer", folder, proxy.address, settle_ms=200)
    with OffsetsClient(gateway.bootstrap) as client:
        for number, how in enumerate(["refuse", "cut", "lose"]):
            proxy.rule = nth(3, "PUT", "/offset", how)
            committed = {partition: Committed(number, 1, how) for partition in range(8)}
            assert client.commit("g", "t", committed) == dict.fromkeys(range(8), NONE)
            assert client.fetch("g", "t", tuple(range(8))) == committed


def test_a_write_that_comes_late_overwrites_nothing_newer(seaweedfs, new_gateway, new_proxy, folder):
    proxy = new_proxy(seaweedfs.filers[0])
    gateway = new_gateway("filer", folder, proxy.address, request_timeout_ms=SHORT_MS, attempt_timeout_ms=300)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", OLD)
        for file in ("metadata", "offset"):
            go_on = threading.Event()
            proxy.rule = nth(1, "PUT", f"/t/0/{file}", ("hold", go_on))
            before = len(proxy.asked)

            def is_held():
                # The write was tried again and is kept, or it was given up; the first one is still on its way.
                assert client.commit_one("g", "t", 20, 2, "late") in (NONE, COORDINATOR_NOT_AVAILABLE)
                return any(method == "PUT" and f"/t/0/{file}" in path for method, path in proxy.asked[before:])

            # On a machine that is very slow a commit may run out of time before it is sent.
            until(is_held, "the write was never sent")
            assert client.commit_one("g", "t", 30, 3, "newer") == COORDINATOR_NOT_AVAILABLE
            # Nothing else waits for it.
            commit_until_kept(client, "g", OLD, partition=1)
            go_on.set()
            commit_until_kept(client, "g", Committed(40, 4, "newest"))
            gateway.restart(hard=True)
            with OffsetsClient(gateway.bootstrap) as again:
                assert fetched(again, "g") == {0: Committed(40, 4, "newest")}
            client.close()
            client = OffsetsClient(gateway.bootstrap)
        client.close()


class Committing:
    """Commits rising offsets of eight partitions until it is stopped, and knows what was acknowledged."""

    def __init__(self, bootstrap, group):
        self.acknowledged = dict.fromkeys(range(8), -1)
        self.tried = dict.fromkeys(range(8), -1)
        self.refused = 0
        self.failure = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(bootstrap, group))
        self._thread.start()

    def _run(self, bootstrap, group):
        try:
            self._commit(bootstrap, group)
        except Exception as error:  # noqa: BLE001
            self.failure = error

    def _commit(self, bootstrap, group):
        offset = 0
        with OffsetsClient(bootstrap) as client:
            while not self._stop.is_set():
                offset += 1
                note = f"note of {offset}"
                self.tried = dict.fromkeys(range(8), offset)
                codes = client.commit(group, "t", {p: Committed(offset, offset, note) for p in range(8)})
                for partition, code in codes.items():
                    if code == NONE:
                        self.acknowledged[partition] = offset
                    else:
                        assert code == COORDINATOR_NOT_AVAILABLE, code
                        self.refused += 1

    def advances(self):
        """Waits until every partition was acknowledged twice more."""
        before = dict(self.acknowledged)
        until(
            lambda: all(self.acknowledged[p] >= before[p] + 2 for p in before) or not self._thread.is_alive(),
            f"no commit is kept: {self.acknowledged}",
        )
        assert self._thread.is_alive(), f"nobody commits any more: {self.failure}"

    def stop(self):
        """Ends the work, which must not have ended before."""
        was_alive = self._thread.is_alive()
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert was_alive and not self._thread.is_alive(), self.failure
        assert self.failure is None, self.failure

    def is_right(self, found):
        """What is found is whole, was asked for, and is nothing older than what was acknowledged."""
        for partition, one in found.items():
            assert self.acknowledged[partition] <= one.offset <= self.tried[partition], (partition, one)
            assert one == Committed(one.offset, one.offset, f"note of {one.offset}")


@pytest.mark.parametrize(("fsync", "cache"), [(False, 0), (True, None)], ids=["uncached", "fsync-cached"])
def test_nothing_acknowledged_is_lost_when_the_filer_and_the_gateway_are_killed(
    new_seaweedfs, new_gateway, fsync, cache
):
    cluster = new_seaweedfs()
    options = {"request_timeout_ms": 3_000, "fsync": fsync, "offsets_cache_bytes": cache}
    gateway = new_gateway("filer", "/kafka", *cluster.filers, **options)
    for round_ in range(3):
        work = Committing(gateway.bootstrap, "g")
        try:
            work.advances()
            cluster.kill("filer-0")
            time.sleep(0.3)
            cluster.restart("filer-0")
            work.advances()
            if round_ == 2:
                cluster.kill("volume", "filer-0")
                cluster.restart("volume", "filer-0")
                work.advances()
        finally:
            work.stop()
        gateway.restart(hard=True)
        with OffsetsClient(gateway.bootstrap) as client:
            work.is_right(fetched(client, "g", tuple(range(8))))


def test_a_filer_that_is_away_is_a_retriable_error_in_time_and_all_is_well_when_it_returns(new_seaweedfs, new_gateway):
    cluster = new_seaweedfs()
    gateway = new_gateway("filer", "/kafka", *cluster.filers, request_timeout_ms=SHORT_MS, offsets_cache_bytes=1 << 20)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", OLD)
        cluster.kill("filer-0")
        begin = time.monotonic()
        assert client.commit_one("g", "t", NEW.offset) == COORDINATOR_NOT_AVAILABLE
        assert client.fetch_one("unknown", "t") == COORDINATOR_NOT_AVAILABLE
        # The two took three seconds in all, and not a client's patience.
        assert time.monotonic() - begin < 30
        cluster.restart("filer-0")
        commit_until_kept(client, "g", NEW)
        assert fetched(client, "g") == {0: NEW}


def test_a_filer_that_hangs_holds_what_it_was_given_and_goes_on_with_it(new_seaweedfs, new_gateway):
    cluster = new_seaweedfs()
    gateway = new_gateway("filer", "/kafka", *cluster.filers, request_timeout_ms=SHORT_MS, attempt_timeout_ms=500)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", OLD)
        cluster.pause("filer-0")
        for offset in (20, 21, 22):
            assert client.commit_one("g", "t", offset) == COORDINATOR_NOT_AVAILABLE
        cluster.resume("filer-0")
        commit_until_kept(client, "g", NEW)
        gateway.restart(hard=True)
        with OffsetsClient(gateway.bootstrap) as again:
            assert fetched(again, "g") == {0: NEW}


def test_the_next_filer_takes_over(new_seaweedfs, new_gateway):
    cluster = new_seaweedfs(filers=2)
    gateway = new_gateway("filer", "/kafka", *cluster.filers, request_timeout_ms=5_000)
    work = Committing(gateway.bootstrap, "g")
    try:
        work.advances()
        cluster.kill("filer-0")
        work.advances()
    finally:
        work.stop()
    gateway.restart(hard=True)
    with OffsetsClient(gateway.bootstrap) as client:
        work.is_right(fetched(client, "g", tuple(range(8))))


def jwt(key):
    """A token as SeaweedFS signs its own: HS256."""

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"exp": int(time.time()) + 3600}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(key.encode(), signed, hashlib.sha256).digest())).decode()


def test_a_filer_that_wants_a_token_gets_the_one_of_the_file(new_seaweedfs, new_gateway, tmp_path):
    security = "".join(f'[jwt.filer_signing{read}]\nkey = "secret"\n' for read in ("", ".read"))
    cluster = new_seaweedfs(security=security)
    token = tmp_path / "token"
    token.write_text(jwt("wrong"))
    gateway = new_gateway("filer", "/kafka", *cluster.filers, request_timeout_ms=SHORT_MS, jwt_file=str(token))
    with OffsetsClient(gateway.bootstrap) as client:
        assert client.commit_one("g", "t", 1) == COORDINATOR_NOT_AVAILABLE
        token.write_text(jwt("secret") + "\n")
        commit_until_kept(client, "g", NEW)
        assert fetched(client, "g") == {0: NEW}


def certificates(directory):
    """An authority, and a certificate of it for the server and one for the client."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
            "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    for name in ("server", "client"):
        (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.pem")  # fmt: skip


def test_tls_with_certificates_on_both_sides(seaweedfs, new_gateway, new_proxy, folder, tmp_path):
    certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    tls.load_verify_locations(tmp_path / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    proxy = new_proxy(seaweedfs.filers[0], tls=tls)
    trust = {"ca_file": str(tmp_path / "ca.pem")}
    shown = {"cert_file": str(tmp_path / "client.pem"), "key_file": str(tmp_path / "client.key")}
    url = f"https://{proxy.address}"
    gateway = new_gateway("filer", folder, url, **trust, **shown)
    with OffsetsClient(gateway.bootstrap) as client:
        commit_until_kept(client, "g", NEW)
        assert fetched(client, "g") == {0: NEW}
    stranger = new_gateway("filer", folder, url, directory="stranger", request_timeout_ms=SHORT_MS, **trust)
    with OffsetsClient(stranger.bootstrap) as client:
        assert client.fetch_one("g", "t") == COORDINATOR_NOT_AVAILABLE


def test_offsets_move_from_the_log_to_a_filer_and_on_to_memory(seaweedfs, new_gateway, folder, tmp_path):
    gateway = new_gateway("log")
    moved = {partition: Committed(100 + partition, partition, f"of {partition}") for partition in range(8)}
    with OffsetsClient(gateway.bootstrap) as client:
        client.commit("g", "t", moved)
    file = str(tmp_path / "offsets.json")
    for where in ("filer", "memory"):
        with open(file, "w") as exported:
            exported.write(gateway.command("group", "export", "g", "--json"))
        gateway.terminate()
        gateway.keep_offsets(where, folder, *seaweedfs.filers)
        gateway.start()
        with OffsetsClient(gateway.bootstrap) as client:
            assert client.fetch("g", "t", tuple(range(8))) == dict.fromkeys(range(8))
            gateway.command("group", "import", file, "--execute")
            assert client.fetch("g", "t", tuple(range(8))) == moved
