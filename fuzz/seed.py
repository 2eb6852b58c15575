#!/usr/bin/env python3
"""Fills corpus/ with the frames that Kafka's own classes wrote, so that fuzzing starts from them."""

import hashlib
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
OWN = {"Produce": "produce", "Fetch": "fetch", "OffsetCommit": "offset_commit",
       "OffsetFetch": "offset_fetch"}


def put(target, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


for line in (HERE.parent / "crates/wire/tests/golden.txt").read_text().splitlines():
    name, direction, version, _, digits = line.split()
    frame = bytes.fromhex(digits)
    if direction == "request":
        put("request", frame)
        put("frame", bytes([17]) + struct.pack(">i", len(frame)) + frame)
        if name in OWN:
            # With and without the byte that counts the tagged fields of a flexible header.
            start = frame.index(b"golden") + len(b"golden")
            put(OWN[name], bytes([int(version)]) + frame[start:])
            put(OWN[name], bytes([int(version)]) + frame[start + 1:])
    elif name in OWN:
        put("response", bytes([list(OWN).index(name), int(version)]) + frame)
