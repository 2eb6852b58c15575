"""Avro schemas as Avro's own library and Confluent's classes print, refuse and compare them.

The pairs are random, the seed is fixed: a failure names it with the line that was asked, and stays until it is mended.
What differs on purpose stands in `_differs_on_purpose` and in the comments of the tests.
"""

import json
import random
import re
from pathlib import Path

import pytest

import oracle
from avro_generator import Generator

_HERE = Path(__file__).resolve().parent / "avro"
_SEED = 20261121
_COUNT = 2500
_SLF4J = {"1.11.4": "1.7.36", "1.12.0": "2.0.17", "1.12.1": "2.0.17"}


def _sources(main):
    return [_HERE / f"{main}.java", _HERE / "Lines.java"]


def avro(version):
    properties = [f"-Davro.version={version}", f"-Dslf4j.version={_SLF4J[version]}"]
    return oracle.java(f"avro-{version}", _HERE / "avro.xml", _sources("AvroVerdicts"), *properties)


def confluent():
    return oracle.java("avro-confluent", _HERE / "confluent.xml", _sources("ConfluentVerdicts"))


def install():
    """Fetches the jars of all releases and compiles what runs on them, once."""
    for version in _SLF4J:
        avro(version)
    confluent()


@pytest.fixture(scope="module")
def pairs():
    """Requests that compare a schema with what became of it, in both directions; with our answers."""
    generator = Generator(random.Random(_SEED))
    requests = []
    for number in range(_COUNT):
        schema = generator.schema()
        evolved = generator.evolved(schema)
        reader, writer = (evolved, schema) if number % 2 else (schema, evolved)
        request = {"schema": generator.text(reader), "previous": generator.text(writer), "formats": ["resolved"]}
        # The same types, defined elsewhere: a reference on one side, or another one on each.
        if number % 4 == 0 and (referring := generator.referring(reader)):
            reference, request["schema"] = referring
            request["references"] = [{"name": "reference", "schema": reference}]
        if number % 6 == 0 and (referring := generator.referring(writer)):
            reference, request["previous"] = referring
            request["previousReferences"] = [{"name": "reference", "schema": reference}]
        requests.append(request)
    return requests, oracle.verdicts(oracle.tidegate(), requests)


@pytest.fixture(scope="module")
def others():
    """Requests that read a schema with a reference, with types that are used before they are defined, or one that has
    been damaged; with our answers."""
    generator = Generator(random.Random(_SEED + 1))
    requests = []
    for number in range(_COUNT):
        schema = generator.schema()
        referring = generator.referring(schema) if number % 3 == 0 else None
        if referring:
            reference, text = referring
            request = {"schema": text, "references": [{"name": "reference", "schema": reference}]}
        elif number % 6 == 4 and (text := generator.used_before_definition(schema)):
            request = {"schema": text}
        else:
            request = {"schema": generator.broken(generator.text(schema)), "new": True}
        requests.append(request | {"formats": ["resolved"]})
    return requests, oracle.verdicts(oracle.tidegate(), requests)


class Differences:
    """Counts what was compared, and keeps the first difference."""

    def __init__(self):
        self.compared = 0
        self._first = None

    def compare(self, request, ours, theirs):
        self.compared += 1
        if ours != theirs and self._first is None:
            asked = json.dumps(request, ensure_ascii=False)
            self._first = f"seed {_SEED}\nasked: {asked}\nours:   {ours}\ntheirs: {theirs}"

    def expect_none(self, compared_min):
        assert self._first is None, self._first
        assert self.compared >= compared_min, f"only {self.compared} answers were compared"


def without_paths(text):
    return re.sub(r"path '[^']*'", "path", text)


def places(answer):
    """Type, path and what is added, of each reason, from our sentences."""
    found = []
    for reason in answer["incompatibilities"]:
        path = re.search(r"path '([^']*)'", reason["text"])
        info = re.search(r"additionalInfo:'(.*)'}$", reason["text"], re.DOTALL)
        found.append({"type": reason["type"], "path": path and path[1], "info": info and info[1]})
    return found


@pytest.mark.parametrize("version", ["1.11.4", "1.12.0"])
def test_reasons_are_avros_in_its_order_and_places(pairs, version):
    requests, ours = pairs
    differences, incompatible = Differences(), 0
    for request, our, their in zip(requests, ours, oracle.verdicts(avro(version), requests)):
        differences.compare(request, "error" in our, "error" in their)
        if "error" in our or "error" in their:
            continue
        differences.compare(request, our["canonical"], their["canonical"])
        if "uncomparable" in their:
            prefix = "Unexpected exception during compatibility check: "
            texts = [reason["text"] for reason in our["incompatibilities"]]
            differences.compare(request, texts, [prefix + their["uncomparable"]])
            continue
        found, expected = places(our), their["incompatibilities"]
        if version.startswith("1.11"):
            # Below a writer's union it begins a new path.
            for reason in found + expected:
                del reason["path"]
        differences.compare(request, found, expected)
        incompatible += bool(expected)
    differences.expect_none(compared_min=_COUNT * 2)
    assert incompatible > _COUNT / 2, "too few pairs were incompatible"


def test_sentences_are_confluents(pairs):
    requests, ours = pairs
    differences, exact = Differences(), 0
    for request, our, their in zip(requests, ours, oracle.verdicts(confluent(), requests)):
        if "error" in our or "error" in their:
            differences.compare(request, "error" in our, "error" in their)
            continue
        texts = [reason["text"] for reason in our["incompatibilities"]]
        exact += texts == their["incompatibilities"] != []
        # The release that can be had uses Avro 1.11.
        differences.compare(request, [*map(without_paths, texts)], [*map(without_paths, their["incompatibilities"])])
    differences.expect_none(compared_min=_COUNT)
    assert exact > _COUNT / 3, f"only {exact} answers had the same paths"


def _differs_on_purpose(ours, theirs):
    """What Confluent's normal form loses: the place of a type outside of all namespaces, and defaults that are no
    values of a union's first branch. And Avro 1.11 has the logical type uuid on all types, 1.12 on those that fit."""
    if '"uuid"' in ours["canonical"]:
        return True
    return '"namespace":""' in ours["canonical"] or ours["normalized"].count('"default"') > theirs.count('"default"')


def _shortened(text):
    """The text with six digits of its fractions: before Java 19, `Float.toString` had more of them than it needs."""
    return re.sub(r"\d+\.\d+(E-?\d+)?", lambda number: f"{float(number[0]):.6g}", text)


def test_normal_form_is_confluents(pairs, others):
    differences = Differences()
    requests, ours = pairs[0] + others[0], pairs[1] + others[1]
    for request, our, their in zip(requests, ours, oracle.verdicts(confluent(), requests)):
        if "error" in our or "normalized" not in their or _differs_on_purpose(our, their["normalized"]):
            continue
        differences.compare(request, _shortened(our["normalized"]), _shortened(their["normalized"]))
    differences.expect_none(compared_min=_COUNT)


def test_references_and_damage_are_read_as_avro_reads_them(others):
    """Each of the two releases has a fault of its own with names: 1.12.0 takes a record inside of a record of the same
    name, 1.12.1 does not find the record outside of all namespaces that it is just reading."""
    requests, ours = others
    first, second = (oracle.verdicts(avro(version), requests) for version in ("1.12.0", "1.12.1"))
    differences, refused, alike = Differences(), 0, 0
    for request, our, *theirs in zip(requests, ours, first, second):
        if any(their.get("error") == "Schema fields not set yet" for their in theirs):
            # Avro checks the default of a type that it has not read to its end, and falls.
            continue
        outcomes = [(their.get("canonical"), their.get("resolved")) for their in theirs]
        outcome = (our.get("canonical"), our.get("resolved"))
        differences.compare(request, outcome, outcome if outcome in outcomes else outcomes)
        if "error" in our:
            refused += 1
            alike += our["error"] in (their.get("error") for their in theirs)
    differences.expect_none(compared_min=_COUNT * 0.9)
    # Avro checks defaults while it reads, and names what it has not found yet by a made-up name.
    assert alike > refused * 0.8, f"{alike} of {refused} refusals are in Avro's words"


def test_what_a_reference_defines_inside_can_be_read_again():
    """Its canonical text has the inner type once more; Avro 1.12.1 is the first that reads it."""
    inner = {"type": "record", "name": "Zip", "fields": [{"name": "code", "type": "string"}]}
    outer = {"type": "record", "name": "a.Address", "fields": [{"name": "zip", "type": inner}]}
    fields = [{"name": "at", "type": "Address"}, {"name": "zip", "type": "Zip"}]
    person = {"type": "record", "name": "a.Person", "fields": fields}
    references = [{"name": "a.Address", "schema": json.dumps(outer)}]
    commands = [oracle.tidegate(), avro("1.12.1")]
    canonical = set()
    for command in commands:
        [first] = oracle.verdicts(command, [{"schema": json.dumps(person), "references": references}])
        [second] = oracle.verdicts(command, [{"schema": first["canonical"], "references": references}])
        canonical |= {first["canonical"], second["canonical"]}
    assert len(canonical) == 1, canonical
