"""Questions and orders that the tests themselves have for the server.

Each call opens a connection of its own, in pure Python: a library that lives
in the test's process must survive every restart of the server.
"""

import contextlib
import logging
import time

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

logging.getLogger("kafka").setLevel(logging.CRITICAL)
EARLIEST, LATEST = -2, -1
RETRY_S = 15


class Admin:
    def __init__(self, gateway):
        self._gateway = gateway

    @contextlib.contextmanager
    def connected(self):
        client = KafkaAdminClient(bootstrap_servers=self._gateway.bootstrap, request_timeout_ms=20_000)
        try:
            yield client
        finally:
            client.close()

    def _ask(self, question):
        """Asks until the answer is not "come again": right after a restart groups may still be loading."""
        end = time.monotonic() + RETRY_S
        while True:
            try:
                with self.connected() as client:
                    return question(client)
            except KafkaError as e:
                if not e.retriable or time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def create_topic(self, name, partitions, configs=None):
        spec = {"num_partitions": partitions, "replication_factor": 1, "configs": configs or {}}
        with self.connected() as client:
            client.create_topics({name: spec}, wait_for_metadata=True)

    def committed(self, group):
        """The committed offsets of a group that reads one topic, by partition."""
        rows = self._ask(lambda client: client.list_group_offsets(group)[group])
        return {partition.partition: row.offset for partition, row in rows.items() if row.offset >= 0}

    def offsets(self, topic, partitions, at=LATEST):
        """The first or the next offset of each partition."""
        wanted = {TopicPartition(topic, p): at for p in range(partitions)}
        rows = self._ask(lambda client: client.list_partition_offsets(wanted))
        return {partition.partition: row.offset for partition, row in rows.items()}

    def describe_group(self, group):
        return self._ask(lambda client: client.describe_groups([group])[group])
