#!/usr/bin/env python3
"""Runs the tests that franz-go's authors wrote for their client, on a server of its own.

    kgo.py [--records N] [--run REGEX] [--junit FILE]

go.mod pins the release. Some of the tests need no server; those that do come with their own
assertions: producers, groups with every balancer, static members and regular expressions, where a
record seen twice or out of order, or a lost commit, fails. `--records` bounds the groups' share of it
(franz-go's own default is 500,000). TARGET=kafka runs them on Apache Kafka, where no skip is
expected that Kafka does not cause itself.

A test that skips itself without being in SKIPPED fails here, and so does an entry of SKIPPED that
runs: neither a feature lost nor a feature won goes unseen.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import gateway as servers

PACKAGE = "github.com/twmb/franz-go/pkg/kgo"
TIMEOUT = "15m"
TAIL_LINES = 60

# What is never started: it would wait for a feature that is not there instead of skipping.
NOT_RUN = {
    "TestTxnEtl": "transactions",
}
SHARE = "share groups (KIP-932)"
KIP_848 = "the consumer protocol of KIP-848"
SKIPPED = {
    "Test848RegexBrokerResolves": KIP_848,
    "TestConsumeRegexShareSkipsInternal": SHARE,
    "TestGroupETL/range/848": KIP_848,
    "TestGroupETL/sticky/848": KIP_848,
    "TestGroupETL/sticky/848/static": KIP_848,
    "TestGroupSimple/848": KIP_848,
    "TestShareGroup": SHARE,
    "TestShareGroupAckOnClose": SHARE,
    "TestShareGroupETL": SHARE,
    "TestShareGroupOffsetsAdmin": SHARE,
}
# Kafka skips these too.
SKIPPED_EVERYWHERE = {
    "TestIssueProduceBrokerTooOldFailsRecords": "Produce v2 is named, for old librdkafka (KAFKA-18659)",
    "TestSCRAMAuth": "wants a listener with SASL/SCRAM",
    "TestSCRAMAuthBadCredentials": "wants a listener with SASL/SCRAM",
}


class Results:
    """What `go test -json` reported: by test its outcome, seconds and output."""

    def __init__(self):
        self.outcome = {}
        self.seconds = {}
        self.output = collections.defaultdict(list)
        # Of the package, not of a test: build errors, panics, the runtime's own timeout.
        self.outside = []

    def take(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            self.outside.append(line)
            return
        test, action = event.get("Test"), event["Action"]
        if action in ("output", "build-output"):
            (self.output[test] if test else self.outside).append(event["Output"])
        elif test and action in ("pass", "fail", "skip"):
            self.outcome[test] = action
            self.seconds[test] = event.get("Elapsed", 0)
        elif test and action == "run":
            # Until it has ended: a test that the process dies in is a failed one.
            self.outcome[test] = "fail"

    def counted(self, listed):
        """The tests without subtests, and of the others those that failed or skipped by themselves.

        Names of subtests may hold slashes of their own, so what is in `listed` counts in any case.
        """
        parents = {name.rsplit("/", depth)[0] for name in self.outcome for depth in range(1, name.count("/") + 1)}
        failed = {name for name, outcome in self.outcome.items() if outcome == "fail"}
        for name in sorted(self.outcome):
            alone = name in failed and not any(other.startswith(name + "/") for other in failed)
            if name not in parents or name in listed or alone or self.outcome[name] == "skip":
                yield name


def expected_skips():
    own = {} if servers.TARGET == "kafka" else SKIPPED
    return SKIPPED_EVERYWHERE | own


def judge(results, complete):
    """By test: None if it passed, ("skip" or "fail", why) if not. `complete`: every test was asked for."""
    expected = expected_skips()
    verdicts = {}
    for name in results.counted(expected):
        outcome = results.outcome[name]
        if outcome == "fail":
            verdicts[name] = ("fail", "".join(results.output[name][-TAIL_LINES:]))
        elif outcome == "skip" and name not in expected:
            verdicts[name] = ("fail", f"skipped itself: {''.join(results.output[name])}")
        elif outcome == "skip":
            verdicts[name] = ("skip", expected[name])
        elif name in expected:
            verdicts[name] = ("fail", f"passes, take it off the list of skips ({expected[name]})")
        else:
            verdicts[name] = None
    if servers.TARGET != "kafka":
        verdicts |= {name: ("skip", why) for name, why in NOT_RUN.items()}
    if complete:
        unseen = expected.keys() - verdicts.keys()
        verdicts |= {name: ("fail", "is in the list of skips, but there is no such test") for name in unseen}
    return verdicts


def write_junit(path, verdicts, results):
    counts = collections.Counter(verdict[0] if verdict else "pass" for verdict in verdicts.values())
    suite = ET.Element(
        "testsuite",
        name="kgo",
        tests=str(len(verdicts)),
        failures=str(counts["fail"]),
        errors="0",
        skipped=str(counts["skip"]),
    )
    for name, verdict in verdicts.items():
        case = ET.SubElement(suite, "testcase", name=name, time=str(results.seconds.get(name, 0)))
        if verdict:
            kind, why = verdict
            element = ET.SubElement(case, "failure" if kind == "fail" else "skipped")
            # XML has no place for the control characters that a client may print.
            element.text = "".join(c for c in why if c >= " " or c in "\n\t")
    ET.ElementTree(suite).write(path, encoding="unicode")


def run(server, arguments):
    """Runs the tests on `server`; returns their results and go's exit code."""
    command = ["go", "test", "-p", "2", "-count", "1", "-timeout", TIMEOUT, "-json", "-run", arguments.run]
    if servers.TARGET != "kafka":
        command += ["-skip", "|".join(f"^{name}$" for name in NOT_RUN)]
    environment = os.environ | {
        "KGO_SEEDS": server.bootstrap,
        "KGO_TEST_RF": "1",
        "KGO_TEST_RECORDS": str(arguments.records),
        "KGO_LOG_LEVEL": os.environ.get("KGO_LOG_LEVEL", "none"),
    }
    results = Results()
    with subprocess.Popen(
        [*command, PACKAGE],
        cwd=HERE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        for line in child.stdout:
            results.take(line)
    return results, child.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--records", type=int, default=50_000, help="records through each group (50000)")
    parser.add_argument("--run", default=".", help="only tests that match, as in go test -run")
    parser.add_argument("--junit", help="write a JUnit report there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kgo-") as directory:
        server = servers.new_gateway(directory)
        server.start()
        try:
            results, status = run(server, arguments)
            died = not server.running()
        except BaseException:
            server.kill()
            raise
        if not died:
            server.terminate()
        log_tail = server.log_tail()
    verdicts = judge(results, complete=arguments.run == ".")
    explained = any(verdict and verdict[0] == "fail" for verdict in verdicts.values())
    if died or (status != 0 and not explained) or not verdicts:
        verdicts["kgo"] = ("fail", "".join(results.outside[-TAIL_LINES:]))
    for name, verdict in verdicts.items():
        print(f"{verdict[0]} {name}: {verdict[1].rstrip()}" if verdict else f"pass {name}")
    if any(verdict and verdict[0] == "fail" for verdict in verdicts.values()):
        print(f"the end of the server's log{' (it is gone)' if died else ''}:\n{log_tail}")
        status = status or 1
    if arguments.junit:
        write_junit(arguments.junit, verdicts, results)
    slowest = sorted(((s, n) for n, s in results.seconds.items()), reverse=True)[:5]
    print("slowest:", ", ".join(f"{name} {seconds:.0f} s" for seconds, name in slowest))
    return status


if __name__ == "__main__":
    sys.exit(main())
