"""Questions and orders that the tests themselves have for the server.

Each call is a process of its own with a time limit: a library that lived in
the test's process would have to survive every restart of the server, and not
all do.
"""

import json

from clients import CLIENTS


class AdminFailed(Exception):
    """The server answered with an error."""


class Admin:
    def __init__(self, gateway):
        self._gateway = gateway

    def _ask(self, question, **options):
        answer = CLIENTS["franz"].run("admin", bootstrap=self._gateway.bootstrap, ask=question, **options)[0]
        if "error" in answer:
            raise AdminFailed(f"{question} {options}: Kafka's error {answer['error']}")
        return answer

    def create_topic(self, name, partitions, configs=None):
        self._ask(
            "create", topic=name, partitions=partitions, replication=1, configs=json.dumps(configs or {}), wait="true"
        )

    def committed(self, group):
        """The committed offsets of a group that reads one topic, by partition."""
        offsets = self._ask("committed", group=group)["offsets"]
        return {int(partition): offset for partition, offset in offsets.items() if offset >= 0}

    def ends(self, topic):
        """The next offset of each partition."""
        return self._offsets(topic, "end")

    def starts(self, topic):
        """The first offset of each partition."""
        return self._offsets(topic, "start")

    def _offsets(self, topic, at):
        offsets = self._ask("offsets", topic=topic, at=at)["offsets"]
        return {int(partition): offset for partition, offset in offsets.items()}
