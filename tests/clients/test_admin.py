"""Administration through four libraries: topics, configs and groups."""

import json
import subprocess
import uuid

import pytest

from clients import CACHE, CLIENTS, ClientFailed
from dataset import Record

# Each library's program answers the same questions in the same form:
#   create TOPIC PARTITIONS CONFIGS-AS-JSON | topics | describe TOPIC | configs TOPIC
#   delete TOPIC | groups | group GROUP | delete-group GROUP | committed GROUP
ADMINS = {name: CLIENTS[name] for name in ("confluent", "kafka-python", "franz", "sarama")}


@pytest.fixture(params=ADMINS)
def ask(request, gateway):
    """Calls the library's admin client; raises ClientFailed with the error's name where it fails."""

    def call(question, **options):
        return ADMINS[request.param].run("admin", bootstrap=gateway.bootstrap, ask=question, **options)[0]

    return call
