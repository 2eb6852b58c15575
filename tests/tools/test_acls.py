"""kafka-acls where nothing is authorized: it says so, and fails."""

import pytest

READERS = ["--allow-principal", "User:u", "--operation", "Read", "--topic", "t"]
# The broker describes ACLs, its controller changes them, and each has words of its own.
ON_THE_BROKER = "No Authorizer is configured on the broker"
ON_THE_CONTROLLER = "No Authorizer is configured."


def refused(tools, *arguments):
    """Why the tool failed, from the line before its stack trace."""
    lines = tools.run("kafka-acls", *arguments, exit=1).out.splitlines()
    start = "Error while executing ACL command: org.apache.kafka.common.errors.SecurityDisabledException: "
    return next(line.removeprefix(start) for line in lines if line.startswith("Error"))


@pytest.mark.parametrize("which", [[], ["--topic", "t"], ["--group", "*"]])
def test_no_acls_are_listed(tools, which):
    assert refused(tools, "--list", *which) == ON_THE_BROKER


def test_no_acls_are_added(tools):
    # 4.3.1 lists beforehand what is there already.
    wanted = ON_THE_BROKER if tools.release == "4.3.1" else ON_THE_CONTROLLER
    assert refused(tools, "--add", *READERS) == wanted


def test_no_acls_are_removed(tools):
    assert refused(tools, "--remove", "--force", *READERS) == ON_THE_CONTROLLER
