"""Kafka Streams on the gateway: a word count whose store is lost and restored from its changelog."""

import collections
import shutil

import pytest

import topics
from apps import WordCount, wait_until

_WORDS = [f"word-{number}" for number in range(97)]
_WORDS_PER_LINE = 5
_LINES = 2_000
_INPUT = [("words", 0), ("words", 1)]
_REPARTITION = [("wordcount-by-word-repartition", 0), ("wordcount-by-word-repartition", 1)]
_ADD_PARTITIONS_TO_TXN = 24
_CHANGELOG = "wordcount-counts-changelog"


class Text:
    """The lines that are fed, and how often each word must have been counted."""

    def __init__(self, bootstrap):
        self._bootstrap = bootstrap
        self._fed = 0
        self.counts = collections.Counter()

    def feed(self):
        lines = []
        for number in range(self._fed, self._fed + _LINES):
            # Unequal and not periodic over lines, so that a lost batch cannot go unseen.
            words = [_WORDS[number * number * (place + 1) % len(_WORDS)] for place in range(_WORDS_PER_LINE)]
            self.counts.update(words)
            lines.append((number % 2, None, " ".join(words).encode(), None))
        self._fed += _LINES
        topics.produce(self._bootstrap, "words", lines)


class Counts:
    """What the application has written into its output."""

    def __init__(self, bootstrap):
        self._follower = topics.Follower(bootstrap, "counts", 2)

    def now(self):
        return {record.key.decode(): int(record.value) for record in self._follower.poll()}

    def falls(self):
        """The words whose count has not risen with every record."""
        last, fallen = {}, []
        for record in self._follower.poll():
            count = int(record.value)
            if count <= last.get(record.key, 0):
                fallen.append((record.key, last[record.key], count))
            last[record.key] = count
        return fallen

    def close(self):
        self._follower.close()


@pytest.fixture
def counts(gateway):
    for topic in ("words", "counts"):
        topics.create(gateway.bootstrap, topic, 2)
    reader = Counts(gateway.bootstrap)
    yield reader
    reader.close()


def wait_committed(gateway, app):
    """Until the application has committed all that there is to read."""
    places = _INPUT + _REPARTITION
    wait_until(
        "commits at the ends of all topics",
        lambda: topics.committed(gateway.bootstrap, "wordcount") == topics.ends(gateway.bootstrap, places),
        alive=[app],
    )


def lose_store(application):
    shutil.rmtree(application.state)


def test_counts_are_exact_after_the_store_was_restored_from_its_changelog(gateway, app, counts):
    """At least once, as Streams runs by default: exact as long as the application dies between commits."""
    text = Text(gateway.bootstrap)
    application = app(WordCount, gateway.bootstrap, "at_least_once")
    application.start()
    text.feed()
    wait_until("all counts", lambda: counts.now() == text.counts, alive=[application])
    wait_committed(gateway, application)

    assert topics.configs_of(gateway.bootstrap, _CHANGELOG)["cleanup.policy"] == "compact"

    application.kill()
    lose_store(application)
    gateway.restart(hard=True)
    text.feed()
    application.start()
    wait_until("all counts after a restoration", lambda: counts.now() == text.counts, alive=[application])
    assert f"of {_CHANGELOG}-0" in application.log.read_text()
    wait_committed(gateway, application)
    assert counts.falls() == []

    text.feed()
    gateway.restart(hard=True)
    text.feed()

    def all_counted():
        now = counts.now()
        return all(now.get(word, 0) >= count for word, count in text.counts.items())

    wait_until("all counts after the gateway was killed", all_counted, alive=[application])
    wait_committed(gateway, application)


def test_exactly_once_counts_are_exact_over_kills_in_the_middle_of_a_stream(gateway, app, counts):
    if not topics.serves(gateway, _ADD_PARTITIONS_TO_TXN):
        pytest.skip("transactions are not there yet")
    text = Text(gateway.bootstrap)
    application = app(WordCount, gateway.bootstrap, "exactly_once_v2")
    application.start()
    text.feed()
    wait_until("the first counts", lambda: counts.now(), alive=[application])
    application.kill()
    lose_store(application)
    text.feed()
    application.start()
    text.feed()
    gateway.restart(hard=True)
    text.feed()
    wait_until("all counts", lambda: counts.now() == text.counts, alive=[application])
    wait_committed(gateway, application)
    assert counts.falls() == []
