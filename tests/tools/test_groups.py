"""kafka-consumer-groups and kafka-groups: groups are listed, described, reset and deleted."""

import contextlib
import re
import subprocess
import threading

import pytest
from test_console import consume, create, produce

OFFSETS = "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID"
MEMBERS = "GROUP CONSUMER-ID HOST CLIENT-ID #PARTITIONS"
RESET = ["GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"]
NO_MEMBERS = "\nConsumer group '{}' has no active members.\n"


def table(text):
    """The lines of a printed table with one space between the cells."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def groups(tools, *arguments, err="", exit=0):
    """The table that kafka-consumer-groups prints when it says `err` on stderr."""
    result = tools.run("kafka-consumer-groups", *arguments, exit=exit)
    assert result.err == err, result
    return table(result.out)


def wrapper(tools):
    """What 3.9 prints before a reason."""
    return "" if tools.release.startswith("4") else "java.util.concurrent.ExecutionException: "


def describe(tools, group, *arguments, members=True):
    err = "" if members else NO_MEMBERS.format(group)
    return groups(tools, "--describe", "--group", group, *arguments, err=err)


@pytest.fixture
def group(tools, name):
    """A group of the test's name that has read 3 of the 5 records of a topic of the same name."""
    create(tools, name)
    produce(tools, name, "abcde")
    consume(tools, "--topic", name, "--group", name, "--from-beginning", "--max-messages", 3)
    return name


@contextlib.contextmanager
def member(tools, group, count, client_id="reader"):
    """A console consumer that is a member of the group and has read `count` records of its topic."""
    option = "--command-property" if tools.release.startswith("4") else "--consumer-property"
    arguments = ["--topic", group, "--group", group, "--from-beginning", option, f"client.id={client_id}"]
    reader = tools.spawn("kafka-console-consumer", *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # Ends the wait for records that do not come.
    timer = threading.Timer(180, reader.kill)
    timer.start()
    try:
        for _ in range(count):
            assert reader.stdout.readline(), "the member ended before it had read everything"
        yield
    finally:
        timer.cancel()
        reader.terminate()
        try:
            reader.wait(60)
        finally:
            reader.kill()
            reader.stdout.close()


def test_a_group_without_members_is_described(tools, group):
    offsets = [OFFSETS, f"{group} {group} 0 3 5 2 - - -"]
    assert describe(tools, group, members=False) == offsets
    assert describe(tools, group, "--offsets", members=False) == offsets
    assert describe(tools, group, "--members", members=False) == [MEMBERS]
    heading, row = describe(tools, group, "--state", members=False)
    assert heading == "GROUP COORDINATOR (ID) ASSIGNMENT-STRATEGY STATE #MEMBERS"
    # 3.9 leaves the cell of the assignment strategy empty.
    dash = "- " if tools.release.startswith("4") else ""
    assert re.fullmatch(rf"{group} 127\.0\.0\.1:\d+ \(1\) {dash}Empty 0", row)


def test_a_group_with_a_member_is_described(tools, name):
    create(tools, name, 2)
    produce(tools, name, [f"{key}:v" for key in "abcdefgh"], parse_key="true", key_separator=":")
    with member(tools, name, 8):
        heading, row = describe(tools, name, "--members")
        assert heading == MEMBERS
        member_id = re.fullmatch(rf"{name} (reader-[0-9a-f-]{{36}}) /127\.0\.0\.1 reader 2", row).group(1)
        heading, row = describe(tools, name, "--members", "--verbose")
        # 3.9 knows no epochs and no target, and leaves the topic away.
        more = f"- {name}:0,1 - -" if tools.release.startswith("4") else "(0,1)"
        assert row == f"{name} {member_id} /127.0.0.1 reader 2 {more}"
        heading, row = describe(tools, name, "--state")
        assert re.fullmatch(rf"{name} 127\.0\.0\.1:\d+ \(1\) range Stable 1", row)
        heading, *rows = describe(tools, name)
        assert heading == OFFSETS
        assert sorted(row.split()[:3] + row.split()[6:] for row in rows) == [
            [name, name, str(partition), member_id, "/127.0.0.1", "reader"] for partition in (0, 1)
        ]
        in_use = groups(tools, "--delete", "--group", name, err="")
        assert in_use == [
            "Error: Deletion of some consumer groups failed:",
            f"* Group '{name}' could not be deleted due to: {wrapper(tools)}"
            "org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty.",
        ]
        refused = groups(tools, "--reset-offsets", "--group", name, "--topic", name, "--to-earliest", "--execute")
        assert refused[0].startswith(f"Error: Assignments can only be reset if the group '{name}' is inactive")
    # The member has left and has committed what it had read.
    heading, *rows = describe(tools, name, members=False)
    assert [row.split()[-4:] for row in rows] == [["0", "-", "-", "-"]] * 2


def test_an_unknown_group_is_an_error(newest, name):
    for what in "--offsets", "--members", "--state":
        described = newest.run("kafka-consumer-groups", "--describe", "--group", name, what)
        reason = f"org.apache.kafka.common.errors.GroupIdNotFoundException: Group {name} not found."
        assert described.out == f"\nError: Executing consumer group command failed due to {reason}\n"


def test_groups_are_listed_by_state_and_type(tools, group):
    assert group in groups(tools, "--list")
    for state in [], ["empty"], ["Stable,Empty"]:
        assert f"{group} Empty" in groups(tools, "--list", "--state", *state)
    assert not [row for row in groups(tools, "--list", "--state", "stable") if group in row]
    for kind in [], ["classic"]:
        assert f"{group} Classic" in groups(tools, "--list", "--type", *kind)
    assert f"{group} Classic Empty" in groups(tools, "--list", "--type", "--state")
    assert not [row for row in groups(tools, "--list", "--type", "consumer") if group in row]


def test_kafka_groups_lists_types_and_protocols(newest, name):
    create(newest, name)
    produce(newest, name, "a")
    consume(newest, "--topic", name, "--group", name, "--from-beginning", "--max-messages", 1)
    row = f"{name} Classic consumer"
    heading = "GROUP TYPE PROTOCOL"
    for which in [], ["--consumer"], ["--group-type", "classic"], ["--protocol", "consumer"]:
        lines = [" ".join(line.split()) for line in newest.out("kafka-groups", "--list", *which)]
        assert lines[0] == heading and row in lines
    for which in "--share", "--streams":
        assert [" ".join(line.split()) for line in newest.out("kafka-groups", "--list", which)] == [heading]


def test_all_groups_are_described(tools, group):
    result = tools.run("kafka-consumer-groups", "--describe", "--all-groups", "--offsets")
    assert f"{group} {group} 0 3 5 2 - - -" in table(result.out)
    assert NO_MEMBERS.format(group) in result.err


def reset_rows(lines):
    """The rows of new offsets. 3.9 prints all of them in one line."""
    words = " ".join(lines).split()
    rows = [words[i : i + 4] for i in range(0, len(words), 4)]
    assert rows[0] == RESET
    return sorted(rows[1:])


def reset(tools, group, *arguments, topic=None):
    """The new offsets that kafka-consumer-groups tells of, by partition."""
    scope = ["--all-topics"] if topic is None else ["--topic", topic]
    rows = reset_rows(groups(tools, "--reset-offsets", "--group", group, *scope, *arguments))
    return {int(partition): int(offset) for _, _, partition, offset in rows}


def committed(tools, group):
    """The committed offsets of a group without members, by partition."""
    rows = describe(tools, group, members=False)[1:]
    return {int(row.split()[2]): int(row.split()[3]) for row in rows}


def test_offsets_are_reset_by_each_strategy(tools, group):
    strategies = [
        (["--to-earliest"], 0),
        (["--to-latest"], 5),
        (["--shift-by", -2], 3),
        (["--shift-by", 1], 4),
        (["--shift-by", 100], 5),
        (["--shift-by", -100], 0),
        (["--to-offset", 4], 4),
        (["--to-current"], 4),
        (["--to-offset", 100], 5),
        (["--to-datetime", "2020-01-01T00:00:00.000"], 0),
        (["--to-datetime", "2020-06-01T12:00:00.000+02:00"], 0),
        (["--to-latest"], 5),
        (["--by-duration", "PT1H"], 0),
    ]
    for strategy, offset in strategies:
        before = committed(tools, group)
        assert reset(tools, group, *strategy, "--dry-run", topic=group) == {0: offset}, strategy
        assert committed(tools, group) == before, strategy
        assert reset(tools, group, *strategy, "--execute", topic=group) == {0: offset}, strategy
        assert committed(tools, group) == {0: offset}, strategy
    # Consumers go on there.
    reset(tools, group, "--to-offset", 3, "--execute", topic=group)
    assert consume(tools, "--topic", group, "--group", group, "--max-messages", 2) == (["d", "e"], 2)


def test_a_time_after_the_last_record_is_the_end(tools, group):
    arguments = ["--reset-offsets", "--group", group, "--topic", group, "--execute"]
    rows = groups(tools, *arguments, "--to-datetime", "2100-01-01T00:00:00.000")
    assert rows[0] == f"Warn: Partition 0 from topic {group} is empty. Falling back to latest known offset."
    assert reset_rows(rows[1:]) == [[group, group, "0", "5"]]


def test_partitions_and_topics_are_chosen_for_a_reset(tools, name):
    for topic in name, f"{name}-2":
        create(tools, topic, 3)
    reset_of = ["--reset-offsets", "--group", name, "--execute", "--to-earliest"]
    rows = groups(tools, *reset_of, "--topic", f"{name}:0,2")
    assert reset_rows(rows) == [[name, name, "0", "0"], [name, name, "2", "0"]]
    assert committed(tools, name) == {0: 0, 2: 0}
    rows = groups(tools, *reset_of, "--topic", f"{name}-2", "--topic", f"{name}:1")
    assert reset_rows(rows) == [[name, name, "1", "0"]] + [[name, f"{name}-2", str(i), "0"] for i in range(3)]
    assert len(reset_rows(groups(tools, *reset_of, "--all-topics"))) == 6
    absent = tools.run("kafka-consumer-groups", *reset_of, "--topic", f"{name}-absent")
    assert "This server does not host this topic-partition." in absent.out


def test_exported_offsets_are_restored_from_the_file(tools, group, tmp_path):
    several = ["--reset-offsets", "--group", group, "--topic", group]
    # A reset to the current offsets that is not executed is a backup.
    backup = tools.out("kafka-consumer-groups", *several, "--to-current", "--dry-run", "--export")
    assert backup == [f"{group},0,3", ""]
    reset(tools, group, "--to-earliest", "--execute", topic=group)
    path = tmp_path / "offsets.csv"
    path.write_text("\n".join(backup))
    rows = groups(tools, *several, "--from-file", path, "--execute")
    assert reset_rows(rows) == [[group, group, "0", "3"]]
    assert committed(tools, group) == {0: 3}


@pytest.fixture
def two_groups(tools, name):
    """Two groups: one has the offset 3 in a topic of 5 records, the other 0 in each of two partitions."""
    one, other = f"{name}-1", f"{name}-2"
    create(tools, one)
    create(tools, other, 2)
    produce(tools, one, "abcde")
    reset(tools, one, "--to-offset", 3, "--execute", topic=one)
    reset(tools, other, "--to-earliest", "--execute", topic=other)
    return one, other


def test_offsets_of_several_groups_are_exported_and_restored(tools, two_groups, tmp_path):
    one, other = two_groups
    several = ["--reset-offsets", "--group", one, "--group", other]
    backup = tools.out("kafka-consumer-groups", *several, "--all-topics", "--to-current", "--dry-run", "--export")
    assert sorted(backup) == ["", f"{one},{one},0,3", f"{other},{other},0,0", f"{other},{other},1,0"]
    path = tmp_path / "offsets.csv"
    path.write_text("\n".join(backup).replace(f"{one},0,3", f"{one},0,4"))
    result = tools.run("kafka-consumer-groups", *several, "--from-file", path, "--execute")
    rows = [[one, one, "0", "4"], [other, other, "0", "0"], [other, other, "1", "0"]]
    # What it says on stderr is that it tried to read the lines as one group's at first.
    assert reset_rows(table(result.out)) == rows
    assert committed(tools, one) == {0: 4}
    absent = tools.run("kafka-consumer-groups", *several, "--from-file", tmp_path / "absent.csv", "--dry-run")
    failed = "Error: Executing consumer group command failed due to java.io.IOException: Unable to read file "
    assert absent.out == f"\n{failed}{tmp_path}/absent.csv\n"


def test_without_dry_run_or_execute_nothing_is_reset(tools, two_groups):
    one, _ = two_groups
    result = tools.run("kafka-consumer-groups", "--reset-offsets", "--group", one, "--topic", f"{one}:0", "--to-latest")
    assert reset_rows(table(result.out)) == [[one, one, "0", "5"]]
    assert result.err.startswith("WARN: No action will be performed as the --execute option is missing.")
    assert committed(tools, one) == {0: 3}


def test_all_groups_are_reset_described_and_deleted(tools, two_groups):
    one, other = two_groups
    # Others have nothing in these topics, or are gone.
    tools.run("kafka-consumer-groups", "--reset-offsets", "--all-groups", "--all-topics", "--to-latest", "--execute")
    assert committed(tools, one) == {0: 5}
    assert committed(tools, other) == {0: 0, 1: 0}
    everything = ["--describe", "--all-groups"]
    states = table(tools.run("kafka-consumer-groups", *everything, "--state").out)
    dash = "- " if tools.release.startswith("4") else ""
    for group in two_groups:
        assert [row for row in states if re.fullmatch(rf"{group} 127\.0\.0\.1:\d+ \(1\) {dash}Empty 0", row)]
    members = tools.run("kafka-consumer-groups", *everything, "--members")
    assert set(table(members.out)) == {MEMBERS}
    assert all(NO_MEMBERS.format(group) in members.err for group in two_groups)
    (gone,) = groups(tools, "--delete", "--all-groups")
    # 3.9 forgets some of the quotes.
    names = re.fullmatch(r"Deletion of requested consumer groups \('(.*)'\) was successful\.", gone).group(1)
    assert set(two_groups) <= set(names.replace("'", "").split(", "))
    assert groups(tools, "--list") == []


def test_one_absent_group_does_not_keep_the_others(tools, two_groups):
    one, other = two_groups
    failed, reason, done = groups(tools, "--delete", "--group", one, "--group", f"{one}-absent", "--group", other)
    assert failed == "Error: Deletion of some consumer groups failed:"
    assert reason.startswith(f"* Group '{one}-absent' could not be deleted due to: ")
    assert reason.endswith("GroupIdNotFoundException: The group id does not exist.")
    if tools.release.startswith("4"):
        assert sorted(re.findall("'([^']*)'", done)) == [one, other]
    remaining = groups(tools, "--list")
    assert one not in remaining and other not in remaining


def test_offsets_of_several_topics_are_deleted(tools, two_groups):
    one, other = two_groups
    reset(tools, one, "--to-earliest", "--execute", topic=other)
    result = groups(tools, "--delete-offsets", "--group", one, "--topic", one, "--topic", f"{other}:1")
    words = " ".join(result).split("TOPIC PARTITION STATUS ")[1].split()
    assert words == [one, "0", "Successful", other, "1", "Successful"]
    assert committed(tools, one) == {0: 0}


def test_states_and_types_that_there_are_not_are_refused(tools):
    refused = tools.run("kafka-consumer-groups", "--list", "--state", "bogus", exit=1)
    assert refused.err.startswith("Invalid state list 'bogus'. Valid states are: ")
    refused = tools.run("kafka-consumer-groups", "--list", "--type", "bogus", exit=1)
    assert refused.err.startswith("Invalid types list 'bogus'. Valid types are: ")


def test_committed_offsets_are_deleted(tools, group):
    deletion = ["--delete-offsets", "--group", group, "--topic"]
    done = {
        "4.3.1": f"Request succeeded for deleting offsets from group {group}.",
        "3.9.1": f"Request succeed for deleting offsets with topic {group} group {group}",
    }
    assert " ".join(groups(tools, *deletion, group)).split() == [
        *done[tools.release].split(),
        *("TOPIC", "PARTITION", "STATUS"),
        *(group, "0", "Successful"),
    ]
    # Without members and offsets there is nothing to tell of the group, which is still there.
    assert describe(tools, group, members=False) == []
    assert group in groups(tools, "--list")
    unknown = groups(tools, *deletion, f"{group}-absent")
    error = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException"
    assert f"{error}: This server does not host this topic-partition." in " ".join(unknown)
    unknown = groups(tools, "--delete-offsets", "--group", f"{group}-absent", "--topic", f"{group}:0")
    who = "The group id" if tools.release.startswith("4") else f"'{group}-absent'"
    assert unknown[0] == f"Error: {who} does not exist."


def test_groups_are_deleted(tools, group):
    gone = f"Deletion of requested consumer groups ('{group}') was successful."
    assert groups(tools, "--delete", "--group", group) == [gone]
    assert group not in groups(tools, "--list")
    assert groups(tools, "--delete", "--group", group) == [
        "Error: Deletion of some consumer groups failed:",
        f"* Group '{group}' could not be deleted due to: {wrapper(tools)}"
        "org.apache.kafka.common.errors.GroupIdNotFoundException: The group id does not exist.",
    ]


def test_deleting_a_topic_takes_its_committed_offsets_along(tools, group):
    create(tools, f"{group}-2")
    reset(tools, group, "--to-earliest", "--execute", topic=f"{group}-2")
    tools.out("kafka-topics", "--delete", "--topic", group)
    assert describe(tools, group, members=False) == [OFFSETS, f"{group} {group}-2 0 0 0 0 - - -"]
