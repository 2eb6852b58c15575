"""Traffic for the boards: producers, groups that keep up and one that does not, a schema registry, errors."""

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

LOAD_RECORDS_PER_SECOND = 50
TOPICS = {"orders": 6, "payments": 3, "clicks": 12}


class Traffic:
    """Threads that use a gateway as applications do, until they are told to stop."""

    def __init__(self, bootstrap, registry, load_metrics=None, records_per_second=800):
        self.bootstrap = bootstrap
        self.registry = registry
        self.load_metrics = load_metrics
        self.rate = records_per_second
        self._stop = threading.Event()
        self._threads = []
        self.problems = []

    def __enter__(self):
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topics = [NewTopic(name, partitions, 1) for name, partitions in TOPICS.items()]
        for made in admin.create_topics(topics).values():
            made.result(60)
        self._run(self._produce)
        for group in ("billing", "mailing"):
            self._run(self._consume, group, ["orders", "payments"], 0)
        self._run(self._consume, "reports", ["clicks"], 0.05)
        self._run(self._join_and_leave)
        self._run(self._register)
        if self.load_metrics:
            self._run(self._load)
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, what, *arguments):
        def guarded():
            try:
                what(*arguments)
            except Exception as error:  # told by the test, in its own thread
                self.problems.append(f"{what.__name__}: {error!r}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _produce(self):
        producer = Producer({
            "bootstrap.servers": self.bootstrap, "linger.ms": 5, "compression.type": "lz4",
            "enable.idempotence": True, "client.id": "shop",
        })
        names = list(TOPICS)
        value = json.dumps({"text": "x" * 400}).encode()
        number = 0
        while not self._stop.wait(0.05):
            # Waves, so that the charts show that they follow.
            wave = 1.5 if int(time.monotonic() / 10) % 2 else 0.5
            for _ in range(int(self.rate * 0.05 * wave)):
                number += 1
                producer.produce(names[number % 3], value, key=str(number % 97))
            producer.poll(0)
        producer.flush(60)

    def _consumer(self, group, client_id):
        return Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": group, "client.id": client_id,
            "auto.offset.reset": "earliest", "auto.commit.interval.ms": 1000,
        })

    def _consume(self, group, topics, pause_s):
        consumer = self._consumer(group, f"{group}-1")
        consumer.subscribe(topics)
        while not self._stop.is_set():
            # One that reads a record and thinks falls behind.
            messages = consumer.consume(1 if pause_s else 200, 0.2)
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
            if pause_s:
                self._stop.wait(pause_s)
        consumer.close()

    def _join_and_leave(self):
        while not self._stop.wait(2):
            consumer = self._consumer("billing", "billing-2")
            consumer.subscribe(["orders", "payments"])
            until = time.monotonic() + 4
            while time.monotonic() < until and not self._stop.is_set():
                consumer.poll(0.2)
            consumer.close()

    def _register(self):
        number = 0
        while not self._stop.wait(0.1):
            number += 1
            subject = f"orders-{number % 20}-value"
            field = {"name": f"f{number}", "type": "string", "default": ""}
            schema = {"type": "record", "name": "Order", "fields": [field]}
            self._ask("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})
            self._ask("GET", f"/subjects/{subject}/versions/latest")
            if number % 10 == 0:
                self._ask("GET", "/subjects/nobody-value/versions/latest")

    def _load(self):
        """A load test that runs for longer than anybody waits, and is stopped."""
        command = [
            os.environ["TIDEGATE_BIN"], "load", "quick", "--duration", "10m",
            *("--rate", str(LOAD_RECORDS_PER_SECOND)), *("--bootstrap", self.bootstrap),
            *("--registry", f"http://{self.registry}"), *("--metrics-listen", self.load_metrics),
        ]
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            while not self._stop.wait(0.2):
                assert child.poll() is None, child.stdout.read()[-2000:]
        finally:
            child.kill()
            child.communicate()

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(
            f"http://{self.registry}{path}", data=data, method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            error.read()
