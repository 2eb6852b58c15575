"""Protobuf files as Square's Wire reads and prints them, with which Confluent's registry works.

The files are random, the seed is fixed: a failure names the text that was read, and stays until it is mended. The text
that the registry stores is not what Wire prints, but what Wire reads from it has to be what it reads from the original.
"""

import random
from pathlib import Path

import pytest

import oracle
from protobuf_generator import Generator

_HERE = Path(__file__).resolve().parent / "protobuf"
_SEED = 20261121
_COUNT = 1000
_PREFIX = "Could not parse Protobuf - "


def install():
    """Fetches Wire's jars and compiles what runs on them, once; the answer is the command."""
    return oracle.java("protobuf", _HERE / "pom.xml", [_HERE / "WireVerdicts.java"])


@pytest.fixture(scope="module")
def wire():
    return install()


def _ours(texts):
    requests = [{"schemaType": "PROTOBUF", "schema": text, "formats": ["serialized"]} for text in texts]
    return oracle.verdicts(oracle.tidegate(), requests)


def _theirs(wire, texts):
    return oracle.verdicts(wire, [{"schema": text} for text in texts])


def _lines(text):
    return [line.strip() for line in text.split("\n") if line.strip()]


def _shown_alike(canonical):
    """Wire escapes nothing in strings, and has extensions and what extends other messages in another order."""
    return "\\" not in canonical and not ("  extensions " in canonical and "  extend " in canonical)


def test_wire_reads_the_same_from_what_is_stored(wire):
    generator = Generator(random.Random(_SEED))
    texts = [generator.file() for _ in range(_COUNT)]
    ours = _ours(texts)
    assert not [answer for answer in ours if "error" in answer][:3], f"seed {_SEED}"
    read = _theirs(wire, texts)
    stored = _theirs(wire, [answer["canonical"] for answer in ours])
    printed_alike = 0
    for text, our, original, again in zip(texts, ours, read, stored):
        assert "error" not in original, f"seed {_SEED}: {text}"
        assert original["tree"] == again["tree"], f"seed {_SEED}: {text}"
        if again["text"] is not None and _shown_alike(our["canonical"]):
            # The first two lines of what Wire prints name the program and the file.
            assert _lines(again["text"])[2:] == _lines(our["canonical"]), f"seed {_SEED}: {text}"
            printed_alike += 1
    assert printed_alike > _COUNT // 5, "most files have something in them that Wire cannot print"


def test_normalized_text_is_read_by_wire_and_stays(wire):
    generator = Generator(random.Random(_SEED + 1))
    normalized = [answer["normalized"] for answer in _ours([generator.file() for _ in range(_COUNT)])]
    for text, our, original in zip(normalized, _ours(normalized), _theirs(wire, normalized)):
        assert "error" not in original, f"seed {_SEED + 1}: {text}"
        # Its canonical form differs: that has the default and the JSON name of a field behind all options.
        assert _lines(our["normalized"]) == _lines(text), f"seed {_SEED + 1}: {text}"


def test_damaged_text_is_refused_with_wires_words(wire):
    generator = Generator(random.Random(_SEED + 2))
    texts = [generator.damaged(generator.file()) for _ in range(_COUNT)]
    refused = 0
    for text, our, their in zip(texts, _ours(texts), _theirs(wire, texts)):
        problem = our.get("error", "")
        if problem.startswith(_PREFIX) or "error" in their:
            assert problem.removeprefix(_PREFIX) == their.get("error"), f"seed {_SEED + 2}: {text}"
            refused += 1
        elif problem:
            # The registry refuses more than Wire does: names of nothing, and what it could not read again.
            assert problem.startswith(("Could not resolve type: ", "Could not read again ")), f"seed {_SEED + 2}: {text}"
    assert _COUNT // 4 < refused < _COUNT


def test_googles_library_builds_the_descriptor(wire):
    generator = Generator(random.Random(_SEED + 3))
    texts = [generator.sound_file() for _ in range(_COUNT // 4)]
    ours = _ours(texts)
    requests = [{"schema": our["normalized"], "descriptor": our["serialized"]} for our in ours]
    for text, answer in zip(texts, oracle.verdicts(wire, requests)):
        assert answer["described"] == answer["declared"], f"seed {_SEED + 3}: {text}"


def test_a_descriptor_is_read_as_the_file_that_it_is_of():
    generator = Generator(random.Random(_SEED + 4))
    texts = [generator.sound_file() for _ in range(_COUNT // 4)]
    ours = _ours(texts)
    again = _ours([our["serialized"] for our in ours])
    for text, our, described in zip(texts, ours, again):
        # Descriptors have the fields of oneofs first; the normal form has an order of its own.
        assert described["normalized"] == our["normalized"], f"seed {_SEED + 4}: {text}"
