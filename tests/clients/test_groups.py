"""Consumer groups of every client: sharing, leaving, committing, and all of it over restarts of the server.

Restarts are few and members many, so the module runs in chapters: all chosen
clients go through a chapter side by side, then the server is restarted, then
comes the next. A test reports how its client fared in a chapter.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import pytest

from clients import CLIENTS
from conftest import chosen
from dataset import Record

PARTITIONS = 4
ALL = set(range(PARTITIONS))
# Members mostly wait: for heartbeats, and for each other.
AT_A_TIME = 3
# Longer than any server takes to restart.
LIVE_SESSION_MS = 60_000

# kafka-python 3.0.12 cannot be held to it: when a connection breaks, its event
# loop now and then forgets a task, and poll() waits for that forever.
LIVES_ON = [name for name in CLIENTS if name != "kafka-python"]
# The others join anew of their own accord when the server has been away: sarama
# and franz-go after a failed heartbeat, kafkajs when its retries are used up,
# kafka-clients 4.4 because it forgets the topic when it starts over from its
# bootstrap servers.
KEEPS_ITS_GENERATION = ["java-2.8.2", "java-3.9.1", "confluent", "aiokafka", "kcat"]
STATIC = [name for name in CLIENTS if name != "kafkajs"]


@dataclass
class Group:
    """A group of one client, its topic, and what has been committed in it."""

    client: object
    name: str
    topic: str
    end: int = 0
    committed: dict | None = None


def write(gateway, group, count):
    """Appends `count` records to each partition; returns their places."""
    records = [Record(p, b"%d" % i, b"value") for p in range(PARTITIONS) for i in range(count)]
    acks = CLIENTS["confluent"].produce(gateway.bootstrap, group.topic, records)
    group.end += count
    return [(ack["partition"], ack["offset"]) for ack in acks]


def in_chapter(chapter, names):
    """Runs a chapter for each of the clients; returns the futures, all of them done."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        futures = {name: pool.submit(chapter, name) for name in names}
        wait(futures.values())
    return futures


@pytest.fixture(scope="module")
def new_group(new_topic):
    def create(name):
        return Group(CLIENTS[name], f"{name}-{uuid.uuid4().hex[:8]}", new_topic(f"group-{name}", PARTITIONS))

    return create


@pytest.fixture(scope="module")
def names(request):
    return [name for (name,) in chosen(request, "client")]


# Chapter one: two members share, one leaves, the other takes all and commits.


@pytest.fixture(scope="module")
def sharing(gateway, admin, new_group, names):
    def chapter(name):
        group = new_group(name)
        places = write(gateway, group, 10)
        with group.client.member(gateway.bootstrap, group.topic, group.name) as first:
            first.until_held(ALL)
            with group.client.member(gateway.bootstrap, group.topic, group.name) as second:
                second.until(lambda: len(second.held) == 2, "hold half of the partitions")
                first.until(lambda: first.held == ALL - second.held, "hold the other half")
                second.close()
                read_by_second = set(second.records)
            first.until_held(ALL)
            first.until(lambda: set(first.records) | read_by_second == set(places), "have all records read")
            first.until_read(write(gateway, group, 5))
            if group.client.capabilities.get("explicit_commit", True):
                assert first.commit() == dict.fromkeys(ALL, 15)
            first.close()
        group.committed = admin.committed(group.name)
        return group

    return in_chapter(chapter, names)


@pytest.mark.parametrize("client", CLIENTS)
def test_two_members_share_and_the_one_that_stays_takes_over(sharing, client):
    group = sharing[client].result()
    assert group.committed == dict.fromkeys(ALL, 15)


# Chapters two and three: the server restarts, and a new member begins where the last one committed.


def resume(gateway, admin, group):
    """A new member gets the records after the committed offsets, and no others; then it commits."""
    assert admin.committed(group.name) == group.committed, "the committed offsets after the restart"
    begin = group.end
    places = write(gateway, group, 5)
    with group.client.member(gateway.bootstrap, group.topic, group.name) as member:
        member.until_read(places)
        if group.client.capabilities.get("explicit_commit", True):
            assert member.commit() == dict.fromkeys(ALL, begin + 5)
        member.close()
        assert sorted(member.records) == sorted(places), "the new member reads each new record once"
    group.committed = admin.committed(group.name)
    assert group.committed == dict.fromkeys(ALL, begin + 5)
    return group


@pytest.fixture(scope="module")
def living(gateway, new_group, names):
    """Members that stay while the server restarts."""

    def chapter(name):
        group = new_group(name)
        places = write(gateway, group, 5)
        member = group.client.member(
            gateway.bootstrap, group.topic, group.name, session_timeout_ms=LIVE_SESSION_MS
        )
        try:
            member.until_held(ALL).until_read(places)
            if group.client.capabilities.get("explicit_commit", True):
                member.commit()
        except BaseException:
            member.kill()
            raise
        return group, member

    futures = in_chapter(chapter, [name for name in names if name in LIVES_ON])
    yield futures
    for future in futures.values():
        if future.exception() is None:
            future.result()[1].kill()


@pytest.fixture(scope="module")
def after_terminate(gateway, admin, sharing, living, names):
    gateway.restart()
    return in_chapter(lambda name: resume(gateway, admin, sharing[name].result()), names)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_new_member_resumes_at_the_committed_offset_after_sigterm(after_terminate, client):
    after_terminate[client].result()


@pytest.fixture(scope="module")
def lived(gateway, after_terminate, living, names):
    def chapter(name):
        group, member = living[name].result()
        before = len(member.events)
        begin = group.end
        member.until_read(write(gateway, group, 5))
        return group, member, begin, member.events[before:]

    return in_chapter(chapter, living)


@pytest.mark.parametrize("client", LIVES_ON)
def test_a_member_reads_on_over_a_restart(lived, client):
    group, member, begin, since = lived[client].result()
    assert member.held == ALL
    again = [e for e in since if e["event"] == "record" and e["offset"] < begin]
    assert again == [] or not group.client.capabilities.get("explicit_commit", True), "it went back behind its commit"


@pytest.mark.parametrize("client", KEEPS_ITS_GENERATION)
def test_a_member_keeps_its_generation_over_a_restart(lived, client):
    group, member, _, since = lived[client].result()
    assert [e for e in since if e["event"] in ("assigned", "revoked")] == []
    places = [(p, offset) for p in ALL for offset in range(group.end)]
    assert sorted(member.records) == sorted(places), "it reads each record once"


@pytest.fixture(scope="module")
def after_kill(gateway, admin, after_terminate, lived, names):
    gateway.restart(hard=True)
    return in_chapter(lambda name: resume(gateway, admin, after_terminate[name].result()), names)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_new_member_resumes_at_the_committed_offset_after_kill(after_kill, client):
    after_kill[client].result()


# Static members


@pytest.fixture(scope="module")
def replaced(gateway, new_group, names):
    def chapter(name):
        group = new_group(name)
        write(gateway, group, 1)

        def member(instance):
            return group.client.member(
                gateway.bootstrap, group.topic, group.name, instance_id=instance, session_timeout_ms=LIVE_SESSION_MS
            )

        with member("one") as one, member("two") as two:
            two.until(lambda: len(two.held) == 2, "hold half of the partitions")
            one.until(lambda: one.held == ALL - two.held, "hold the other half")
            before = len(one.events)
            two.kill()
            with member("two") as again:
                again.until_held(two.held)
                # Whatever the return of the member had set off would come with a heartbeat, once a second.
                places = write(gateway, group, 1)
                one.until_read([place for place in places if place[0] in one.held])
                with pytest.raises(Exception, match="did not get so far"):
                    one.until(lambda: False, "wait for two heartbeats", timeout_s=2.5)
                return [e for e in one.events[before:] if e["event"] != "record"]

    return in_chapter(chapter, [n for n in names if CLIENTS[n].capabilities["static_members"]])


@pytest.mark.parametrize("client", STATIC)
def test_a_static_member_returns_to_its_partitions_without_a_rebalance(replaced, client):
    assert replaced[client].result() == []


# Groups of two libraries

MIXED = [
    ("java-4.4.0", "confluent", "range"),
    ("java-2.8.2", "kcat", "range"),
    ("aiokafka", "kafka-python", "roundrobin"),
    ("franz", "sarama", "range"),
    ("kafkajs", "java-3.9.1", "range"),
    ("franz", "java-4.4.0", "cooperative-sticky"),
]


@pytest.mark.parametrize(("leader", "follower", "assignor"), MIXED)
def test_two_libraries_share_a_group(gateway, new_group, leader, follower, assignor):
    group = new_group(leader)
    places = write(gateway, group, 5)

    def member(name):
        return CLIENTS[name].member(gateway.bootstrap, group.topic, group.name, assignor=assignor)

    with member(leader) as first:
        first.until_held(ALL)
        with member(follower) as second:
            second.until(lambda: len(second.held) == 2, "hold half of the partitions")
            first.until(lambda: first.held == ALL - second.held, "hold the other half")
            # The first to come leads; now the other has to lead, with partitions of the first.
            first.close()
            second.until_held(ALL)
            second.until(lambda: set(first.records + second.records) >= set(places), "have all records read")
            second.close()
