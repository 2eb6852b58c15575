"""Each fault that the proxy does is found, named and counted, and nothing else is."""

import uuid

import pytest

from load import load

# One topic of each format. Batches of ten records at most, so that there are two of one key in most of them, and that
# there are enough of them however long a machine pauses.
PLAN = {
    "preset": "quick",
    "duration": "2s",
    "rate": 300.0,
    "topics": 3,
    "partitions": 1,
    "keys": 3,
    "linger": "100ms",
    "batch_records": 10,
    "drain_timeout": "10s",
}


@pytest.fixture
def run(behind_proxy, tmp_path):
    """Runs the load test through a proxy with these faults."""

    def start(*faults, **settings):
        with behind_proxy.proxy(*faults) as proxy:
            target = {
                "bootstrap": behind_proxy.bootstrap,
                "registry": behind_proxy.registry,
                "topic_prefix": f"faults-{uuid.uuid4().hex[:8]}",
            }
            outcome = load(tmp_path, plan=PLAN | target | settings)
        assert proxy.errors == []
        assert outcome.report is not None, outcome.explain()
        return proxy, outcome

    return start


def test_without_a_fault_the_verdict_is_clean(run):
    proxy, outcome = run()
    assert outcome.code == 0, outcome.explain()
    assert proxy.done == [] and outcome.faults == {}
    counts = outcome.report["verdict"]["counts"]
    assert counts["sent"] == counts["acknowledged"] == counts["present"] == 600


@pytest.mark.parametrize(
    "fault, kind, others",
    [
        ("lose:count=2", "lost", set()),
        # What lies behind the lost record in its batch lies one offset lower than was acknowledged.
        ("lose_record", "lost", {"wrong_offset"}),
        ("duplicate:count=2", "duplicated", set()),
        ("overtake", "reordered", set()),
        ("change_value:count=3", "changed_value", set()),
        ("change_key:count=3", "changed_key", set()),
        ("change_header:count=3", "changed_headers", set()),
        ("drop_headers:count=3", "changed_headers", set()),
        ("change_timestamp:count=3", "changed_timestamp", set()),
        ("wrong_schema:count=3", "wrong_schema", set()),
        ("wrong_offset:count=2", "wrong_offset", set()),
        ("hide:count=2,of=load-consumer", "missed", set()),
        ("hide:count=2", "lost", set()),
    ],
)
def test_a_fault_is_named_and_counted(run, fault, kind, others):
    # One that is idempotent keeps its requests from overtaking each other.
    proxy, outcome = run(fault, idempotent=not fault.startswith("overtake"))
    assert outcome.code == 1, outcome.explain()
    done = proxy.records(fault.partition(":")[0])
    assert done > 0
    assert outcome.faults.keys() - others == {kind}, outcome.explain()
    if kind == "reordered":
        assert 1 <= outcome.faults[kind] <= 2 * done
    else:
        assert outcome.faults[kind] == done, outcome.explain()


def test_two_records_of_a_key_in_the_wrong_order_are_reordered_and_at_wrong_offsets(run):
    _, outcome = run("swap")
    assert outcome.code == 1, outcome.explain()
    assert outcome.faults.keys() == {"reordered", "wrong_offset"}, outcome.explain()
    assert outcome.faults["reordered"] >= 1 and outcome.faults["wrong_offset"] == 2


def test_a_plain_producer_that_sends_again_doubles(run):
    proxy, outcome = run("cut", idempotent=False)
    assert outcome.code == 1, outcome.explain()
    assert outcome.faults == {"duplicated": proxy.records("cut")}, outcome.explain()


@pytest.mark.parametrize("fault", ["cut", "refuse"])
def test_a_cut_connection_is_no_fault_with_idempotence(run, fault):
    proxy, outcome = run(f"{fault}:count=2")
    assert proxy.records(fault) > 0
    assert outcome.code == 0, outcome.explain()
    assert outcome.faults == {}


def test_a_stall_is_latency_of_all_records_that_were_due_meanwhile(run):
    proxy, outcome = run("stall:s=2", duration="5s")
    assert outcome.code == 0, outcome.explain()
    assert proxy.records("stall") > 0
    for kind in ("ack_latency", "end_to_end_latency"):
        latency = outcome.report[kind]
        # Two of five seconds: not only the request that waited, but all that should have been sent behind it.
        assert latency["count"] == 1500
        assert latency["max_us"] >= 1_900_000, latency
        assert latency["p99_9_us"] >= 1_700_000 and latency["p75_us"] >= 200_000, latency


def test_a_missed_expectation_has_an_exit_code_of_its_own(run):
    _, outcome = run("stall:s=1", expect="p99=20ms")
    assert outcome.code == 3, outcome.explain()
    _, outcome = run("stall:s=1", "lose", expect="p99=20ms")
    assert outcome.code == 1, outcome.explain()
