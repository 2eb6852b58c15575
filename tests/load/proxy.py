#!/usr/bin/env python3
"""A TCP proxy between a Kafka client and its broker that does what a bad broker does.

    proxy.py --listen 127.0.0.1:29092 --broker 127.0.0.1:9092 --fault lose:skip=20,count=3 --fault stall:skip=50,s=2

The broker must advertise the proxy's address. Faults are listed below, `FAULTS`; each lets `skip` batches of records
that it could damage pass, and then damages `count` of them. What was done is in `Proxy.done`, so that a test
can tell whether the report names exactly that. Topics whose name begins with an underscore are left alone.

A broker of this kind knows no idempotence: producer ids are taken out of what it is sent, unless the fault
leaves every batch as it is.
"""

import argparse
import asyncio
import copy
import functools
import itertools
import json
import random
import signal
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field

import wire

_FRAME_BYTES_MAX = 128 * 1024 * 1024
_HOLD_S = 10.0


@dataclass
class Fault:
    """What to do, and to which of the batches that it could be done to."""

    kind: str
    skip: int = 20
    count: int = 1
    s: float = 2.0
    # For `hide`: a word in the ids of the clients that are not to see the record; all clients if it is empty.
    of: str = ""
    seen: int = 0

    @classmethod
    def parse(cls, text):
        kind, _, rest = text.partition(":")
        if kind not in FAULTS:
            raise argparse.ArgumentTypeError(f"there is no fault {kind}; there are {', '.join(FAULTS)}")
        options = dict(pair.split("=") for pair in rest.split(",") if pair)
        types = {"s": float, "of": str}
        return cls(kind, **{name: types.get(name, int)(value) for name, value in options.items()})

    def is_due(self):
        """Whether the batch that this is asked for is one to damage."""
        self.seen += 1
        return self.skip < self.seen <= self.skip + self.count


@dataclass
class _Sent:
    """A Produce or Fetch request that the broker has not answered yet."""

    api_key: int
    version: int
    client_id: bytes | None = None
    # Answers for partitions that the broker never saw: [topic, partition, records in it].
    forged: list = field(default_factory=list)
    # (topic, partition) -> how many records; and those whose answer names a wrong offset.
    counts: dict = field(default_factory=dict)
    wrong: set = field(default_factory=set)
    # The answer goes to nobody, or only after that of another request.
    swallow: bool = False
    after: int | None = None
    cut: bool = False


# ---------------------------------------------------------------------------- what is done to a batch of records


def _pick(batch, rng, wanted=lambda record: True):
    return rng.choice([i for i, record in enumerate(batch.records) if wanted(record)])


def _flipped(data, rng, begin):
    data = bytearray(data)
    at = rng.randrange(begin, len(data))
    data[at] ^= 0x20
    return bytes(data)


def _lose_record(batch, rng):
    del batch.records[_pick(batch, rng)]
    for offset_delta, record in enumerate(batch.records):
        record.offset_delta = offset_delta
    batch.last_offset_delta = len(batch.records) - 1


def _same_key(batch):
    """Two records of the batch with one key, or None."""
    places = {}
    for i, record in enumerate(batch.records):
        if record.key is not None and record.key in places:
            return places[record.key], i
        places[record.key] = i
    return None


def _swap(batch, _):
    i, j = _same_key(batch)
    one, other = batch.records[i], batch.records[j]
    one.offset_delta, other.offset_delta = other.offset_delta, one.offset_delta
    batch.records[i], batch.records[j] = other, one


def _change_value(batch, rng):
    record = batch.records[_pick(batch, rng)]
    # Behind the registry's five bytes, so that it is the content that is wrong and not the schema.
    record.value = _flipped(record.value, rng, min(16, len(record.value) - 1))


def _change_key(batch, rng):
    record = batch.records[_pick(batch, rng)]
    record.key = _flipped(record.key, rng, len(record.key) - 1)


def _change_header(batch, rng):
    record = batch.records[_pick(batch, rng)]
    name, value = record.headers[-1]
    record.headers[-1] = (name, _flipped(value, rng, 0))


def _drop_headers(batch, rng):
    batch.records[_pick(batch, rng)].headers = []


def _change_timestamp(batch, rng):
    batch.records[_pick(batch, rng)].timestamp_delta += 1


def _wrong_schema(batch, rng):
    record = batch.records[_pick(batch, rng)]
    record.value = record.value[:1] + (0x7FFFFFF0).to_bytes(4, "big") + record.value[5:]


_EDITS = {
    "change_value": _change_value,
    "change_key": _change_key,
    "change_header": _change_header,
    "drop_headers": _drop_headers,
    "change_timestamp": _change_timestamp,
    "wrong_schema": _wrong_schema,
    "lose_record": _lose_record,
    "swap": _swap,
}
_NEEDS = {
    "swap": lambda batch: _same_key(batch) is not None,
    "lose_record": lambda batch: len(batch.records) > 1,
    "change_header": lambda batch: any(record.headers for record in batch.records),
    "drop_headers": lambda batch: any(record.headers for record in batch.records),
}
# Name -> what it does.
FAULTS = {
    "lose": "acknowledges a batch and does not write it",
    "lose_record": "writes a batch without one of its records",
    "duplicate": "writes a batch twice",
    "swap": "writes two records of one key in the wrong order",
    "overtake": "writes a batch after the one that was sent behind it",
    "change_value": "flips a bit of a value",
    "change_key": "flips a bit of a key",
    "change_header": "flips a bit of a header",
    "drop_headers": "writes a record without headers",
    "change_timestamp": "writes a record with a timestamp one millisecond later",
    "wrong_schema": "writes a value with an unknown schema's id",
    "wrong_offset": "acknowledges a batch with an offset that is one too high",
    "hide": "leaves a record out for the clients whose id holds the word `of`",
    "stall": "lets a Produce request, and all behind it on its connection, wait for `s` seconds",
    "cut": "cuts the connection instead of acknowledging a batch that was written",
    "refuse": "cuts the connection instead of writing a batch",
}
_LEAVE_BATCHES = {"wrong_offset", "hide", "stall", "cut", "refuse"}
_ON_FETCH = {"hide"}


class Proxy:
    """One proxy for one broker, on a thread of its own."""

    def __init__(self, port, broker, faults, seed=1):
        self.port = port
        self.faults = faults
        # What was done: one dict for each batch.
        self.done = []
        # Anything that went wrong in the proxy itself. A test that finds something here proves nothing.
        self.errors = []
        self._broker = broker.rsplit(":", 1)
        self._rng = random.Random(seed)
        self._strip = any(fault.kind not in _LEAVE_BATCHES for fault in faults)
        self._ends = {}
        self._hidden = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listening = threading.Event()

    # ------------------------------------------------------------------------ starting and stopping

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._thread.start()
        assert self._listening.wait(60), "the proxy does not listen"

    def stop(self):
        """Cuts all connections and listens no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def records(self, kind):
        """How many records were damaged in this way."""
        return sum(done["records"] for done in self.done if done["kind"] == kind)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._listening.set()
        self._loop.run_forever()
        server.close()
        # Those too whose connection was accepted when the others were ended.
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader, writer):
        try:
            await _Connection(self, reader, writer).run(*self._broker)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # seen by the test, which must not take this for the broker's doing
            self.errors.append(repr(error))
        finally:
            writer.close()

    # ------------------------------------------------------------------------ what to do to which batch

    def due(self, kinds, batch=None):
        """The first of the faults of these kinds that is due for the batch."""
        for fault in self.faults:
            fits = batch is None or _NEEDS.get(fault.kind, lambda _: True)(batch)
            if fault.kind in kinds and fits and fault.is_due():
                return fault
        return None

    def note(self, kind, topic, partition, records=1, **more):
        self.done.append({"kind": kind, "topic": topic.decode(), "partition": partition, "records": records} | more)

    def edited(self, topic, partition, batch):
        """The batch as it is to be written, and what else was asked to be done with it."""
        edit = self.due(_EDITS, batch)
        if edit:
            _EDITS[edit.kind](batch, self._rng)
            self.note(edit.kind, topic, partition, 2 if edit.kind == "swap" else 1)
        if self._strip:
            batch.producer_id, batch.producer_epoch, batch.base_sequence = -1, -1, -1
        return batch.encode() if edit or self._strip else None

    def fetched(self, client_id, topic, partition, records):
        """What a client is shown of a partition, or None if all of it."""
        hiding = [fault for fault in self.faults if fault.kind == "hide" and fault.of.encode() in (client_id or b"")]
        if topic.startswith(b"_") or not hiding:
            return None
        found = wire.batches(records)
        hidden = [batch for batch in found if self._hides(topic, partition, batch)]
        for batch in hidden:
            batch.records.pop()
        return b"".join(batch.encode() for batch in found) if hidden else None

    def _hides(self, topic, partition, batch):
        """Whether the batch's last record is hidden, as it was before if it is fetched again."""
        if not batch.records:
            return False
        place = (topic, partition, batch.base_offset)
        if place not in self._hidden:
            self._hidden[place] = self.due({"hide"}) is not None
            if self._hidden[place]:
                self.note("hide", topic, partition, 1, offset=batch.base_offset + batch.records[-1].offset_delta)
        return self._hidden[place]

    def end_of(self, topic, partition):
        return self._ends.get((topic, partition), 0)

    def acknowledged(self, topic, partition, base_offset, count):
        self._ends[topic, partition] = max(self.end_of(topic, partition), base_offset + count)


# ---------------------------------------------------------------------------- one connection


class _Connection:
    """Two pumps between a client and a connection to the broker of its own."""

    def __init__(self, proxy, reader, writer):
        self._proxy = proxy
        self._client = (reader, writer)
        self._broker = None
        self._sent = {}
        self._own_ids = itertools.count(-2, -1)
        # A request that waits to be overtaken: (partition, its frame, its _Sent, its correlation id).
        self._held = None
        self._late_answers = {}

    async def run(self, host, port):
        self._broker = await asyncio.open_connection(host, int(port), limit=_FRAME_BYTES_MAX)
        pumps = [asyncio.create_task(pump()) for pump in (self._requests, self._answers)]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            self._broker[1].close()

    async def _requests(self):
        while True:
            frame = await self._next_request()
            head = wire.Head.of(frame)
            if head.api_key not in (wire.PRODUCE, wire.FETCH, wire.API_VERSIONS):
                _send(self._broker, frame)
                continue
            sent = _Sent(head.api_key, head.version, head.client_id)
            if head.api_key == wire.PRODUCE and not await self._produce(head, sent):
                continue
            if head.api_key != wire.PRODUCE:
                self._sent[head.correlation_id] = sent
                _send(self._broker, frame)
            await self._broker[1].drain()

    async def _next_request(self):
        """The next frame. A held one is let go if none comes for a while."""
        coming = asyncio.ensure_future(_receive(self._client))
        try:
            if self._held:
                await asyncio.wait([coming], timeout=_HOLD_S)
                if not coming.done():
                    self._release(None)
            return await coming
        finally:
            coming.cancel()

    async def _produce(self, head, sent):
        """Passes a Produce request on, damaged if that is due. False if it is not to be sent now."""
        proxy, request, twice = self._proxy, wire.ProduceRequest(head), []
        assert request.acks != 0, "a producer that waits for nothing cannot be judged"
        hold = None
        for part in list(request.partitions):
            topic, partition, records = part
            if topic.startswith(b"_") or not records:
                continue
            (batch,) = wire.batches(records)
            count = len(batch.records)
            sent.counts[topic, partition] = count
            part[2] = proxy.edited(topic, partition, copy.deepcopy(batch)) or records
            fault = proxy.due(FAULTS.keys() - _EDITS.keys() - _ON_FETCH)
            kind = fault.kind if fault else None
            if kind and kind != "overtake":
                proxy.note(kind, topic, partition, count)
            if kind == "lose":
                request.partitions.remove(part)
                sent.forged.append((topic, partition, count))
            elif kind == "duplicate":
                twice.append(part)
            elif kind == "overtake" and self._held is None:
                hold = (topic, partition)
            elif kind == "wrong_offset":
                sent.wrong.add((topic, partition))
            elif kind == "stall":
                await asyncio.sleep(fault.s)
            elif kind == "cut":
                sent.cut = True
            elif kind == "refuse":
                raise ConnectionResetError("a fault that was asked for")
        frame = head.frame(request.encode())
        if hold:
            self._held = (hold, frame, sent, head.correlation_id)
            return False
        if sent.cut:
            await self._all_produced()
        self._sent[head.correlation_id] = sent
        _send(self._broker, frame)
        if sent.cut:
            # The answer ends this connection. What is read no more was not written either.
            await asyncio.Future()
        if twice:
            again = copy.copy(request)
            again.partitions = twice
            own_id = next(self._own_ids)
            self._sent[own_id] = _Sent(wire.PRODUCE, head.version, swallow=True)
            _send(self._broker, head.frame(again.encode(), own_id))
        if self._held and self._held[0] in sent.counts:
            self._release(sent)
        return True

    async def _all_produced(self):
        """Returns when no Produce request is under way, so that a cut hits the one alone that it is meant for."""
        while any(sent.api_key == wire.PRODUCE for sent in self._sent.values()):
            await asyncio.sleep(0.005)

    def _release(self, overtaker):
        """Sends the held request, now behind the other, whose answer must wait for that to this one."""
        (topic, partition), frame, sent, correlation_id = self._held
        self._held = None
        self._sent[correlation_id] = sent
        _send(self._broker, frame)
        if overtaker is not None:
            overtaker.after = correlation_id
            self._proxy.note("overtake", topic, partition, sent.counts[topic, partition])

    async def _answers(self):
        while True:
            frame = await _receive(self._broker)
            correlation_id = int.from_bytes(frame[:4], "big", signed=True)
            sent = self._sent.pop(correlation_id, None)
            if sent is None:
                _send(self._client, frame)
            elif sent.api_key == wire.API_VERSIONS:
                _send(self._client, wire.cap_versions(sent.version, frame))
            elif sent.api_key == wire.FETCH:
                shown = functools.partial(self._proxy.fetched, sent.client_id)
                _send(self._client, wire.edit_fetched(sent.version, frame, shown) or frame)
            elif not sent.swallow:
                self._answer_produce(sent, frame, correlation_id)
                if sent.cut:
                    raise ConnectionResetError("a fault that was asked for")
            await self._client[1].drain()

    def _answer_produce(self, sent, frame, correlation_id):
        if sent.cut:
            return
        answer = wire.ProduceResponse(sent.version, frame)
        for part in answer.partitions:
            topic, partition, error, base_offset = part[:4]
            if error == 0 and (topic, partition) in sent.counts:
                self._proxy.acknowledged(topic, partition, base_offset, sent.counts[topic, partition])
            if (topic, partition) in sent.wrong:
                part[3] += 1
        for topic, partition, _ in sent.forged:
            end = self._proxy.end_of(topic, partition)
            answer.partitions.append([topic, partition, 0, end, -1, 0])
        frame = answer.encode(sent.version)
        # Clients rely on answers in the order of their requests.
        if sent.after in self._sent:
            self._late_answers[sent.after] = frame
            return
        _send(self._client, frame)
        if correlation_id in self._late_answers:
            _send(self._client, self._late_answers.pop(correlation_id))


def _send(to, frame):
    to[1].write(len(frame).to_bytes(4, "big") + frame)


async def _receive(stream):
    length = int.from_bytes(await stream[0].readexactly(4), "big")
    assert length <= _FRAME_BYTES_MAX, f"a frame of {length} bytes"
    return await stream[0].readexactly(length)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--listen", required=True, help="HOST:PORT; the broker must advertise it")
    parser.add_argument("--broker", required=True, help="HOST:PORT")
    parser.add_argument("--fault", action="append", type=Fault.parse, default=[], help="KIND:skip=20,count=1,s=2")
    arguments = parser.parse_args()
    with Proxy(int(arguments.listen.rsplit(":", 1)[1]), arguments.broker, arguments.fault) as proxy:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    print(json.dumps({"done": Counter(done["kind"] for done in proxy.done), "errors": proxy.errors}))
    return 1 if proxy.errors else 0


if __name__ == "__main__":
    sys.exit(main())
