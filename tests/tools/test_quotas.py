"""kafka-configs on client quotas: of users, of clients, of both, and of addresses."""

import pytest
from test_entity_configs import alter, refused, settles

USERS, CLIENTS, IPS = (["--entity-type", kind] for kind in ("users", "clients", "ips"))


def named(kind, name):
    return [*kind, "--entity-name", name]


def every(kind):
    """The entity whose quotas those have that have none of their own."""
    return [*kind, "--entity-default"]


def described(tools, scope):
    """What is told of quotas, each line without the words that all have."""
    lines = tools.out("kafka-configs", "--describe", *scope)
    return sorted(line.removeprefix("Quota configs for ") for line in lines)


@pytest.fixture
def forgotten(newest):
    """Takes quotas of default entities back, which are every client's."""
    given = []
    yield given
    for scope, quota in given:
        newest.run("kafka-configs", "--alter", *scope, "--delete-config", quota, exit=None)


def test_quotas_of_a_user_are_added_described_and_deleted(tools, name):
    user = named(USERS, name)
    updated = f"Completed updating config for user {name}."
    assert described(tools, user) == []
    assert alter(tools, user, "--add-config", "producer_byte_rate=1024,consumer_byte_rate=2048") == updated
    who = f"user-principal '{name}' are "
    settles(lambda: described(tools, user), [f"{who}consumer_byte_rate=2048.0, producer_byte_rate=1024.0"])
    assert alter(tools, user, "--add-config", "request_percentage=0.5", "--delete-config", "producer_byte_rate") == updated
    settles(lambda: described(tools, user), [f"{who}consumer_byte_rate=2048.0, request_percentage=0.5"])
    assert f"{who}consumer_byte_rate=2048.0, request_percentage=0.5" in described(tools, USERS)
    assert described(tools, ["--user", name]) == described(tools, user)
    assert alter(tools, ["--user", name], "--delete-config", "consumer_byte_rate,request_percentage") == updated
    settles(lambda: described(tools, user), [])
    absent = tools.run("kafka-configs", "--alter", *user, "--delete-config", "consumer_byte_rate", exit=1)
    assert absent.err == "Invalid config(s): consumer_byte_rate\n"


def test_quotas_of_users_and_clients_are_entities_of_their_own(tools, name, forgotten):
    user, client = named(USERS, f"{name}-u"), named(CLIENTS, f"{name}-c")
    pairs = {
        (*user, *client): f"user-principal '{name}-u', client-id '{name}-c' are producer_byte_rate=512.0",
        (*user, *every(CLIENTS)): f"user-principal '{name}-u', the default client-id are producer_byte_rate=513.0",
        (*every(USERS), *client): f"the default user-principal, client-id '{name}-c' are producer_byte_rate=514.0",
    }
    for scope, row in pairs.items():
        alter(tools, scope, "--add-config", "producer_byte_rate=" + row[-5:-2])
        forgotten.append((scope, "producer_byte_rate"))
    rows = list(pairs.values())
    settles(lambda: described(tools, [*USERS, *CLIENTS]), sorted(rows))
    for scope, row in pairs.items():
        assert described(tools, scope) == [row]
    assert described(tools, [*user, *CLIENTS]) == sorted(rows[:2])
    # Neither the user nor the client has got a quota by itself.
    assert described(tools, user) == described(tools, client) == []
    alter(tools, [*user, *client], "--delete-config", "producer_byte_rate")
    settles(lambda: described(tools, [*USERS, *CLIENTS]), sorted(rows[1:]))


def test_default_quotas_are_told_as_such(tools, forgotten):
    defaults = [
        (USERS, "user-principal", "request_percentage", "50.0"),
        (CLIENTS, "client-id", "controller_mutation_rate", "5000.0"),
        (IPS, "ip", "connection_creation_rate", "10000.0"),
    ]
    for kind, shown, quota, value in defaults:
        forgotten.append((every(kind), quota))
        updated = f"Completed updating default config for {kind[1]} in the cluster."
        assert alter(tools, every(kind), "--add-config", f"{quota}={value}") == updated
        row = f"the default {shown} are {quota}={value}"
        settles(lambda: described(tools, every(kind)), [row])
        assert row in described(tools, kind)
        assert alter(tools, every(kind), "--delete-config", quota) == updated
        settles(lambda: described(tools, every(kind)), [])


def test_addresses_have_a_rate_of_connections(tools):
    address = named(IPS, "192.0.2.7")
    updated = "Completed updating config for ip 192.0.2.7."
    assert alter(tools, address, "--add-config", "connection_creation_rate=10") == updated
    row = "ip '192.0.2.7' are connection_creation_rate=10.0"
    settles(lambda: described(tools, address), [row])
    assert row in described(tools, IPS)
    assert alter(tools, address, "--delete-config", "connection_creation_rate") == updated
    settles(lambda: described(tools, address), [])


def test_quotas_are_refused_with_kafkas_reasons(tools, name):
    user = named(USERS, name)
    refusals = {
        "producer_byte_rate=0": "Quota producer_byte_rate must be greater than 0",
        "producer_byte_rate=-5": "Quota producer_byte_rate must be greater than 0",
        "producer_byte_rate=10.5": "producer_byte_rate cannot be a fractional value.",
        # One wrong quota refuses all of them.
        "consumer_byte_rate=5,producer_byte_rate=0": "Quota producer_byte_rate must be greater than 0",
    }
    for quota, reason in refusals.items():
        assert refused(tools, user, "--add-config", quota) == f"InvalidRequestException: {reason}"
    assert described(tools, user) == []
