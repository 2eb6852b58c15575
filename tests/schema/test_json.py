"""JSON Schemas as everit and json-sKema read them, as Jackson prints them and as Apicurio's registry compares them.

Everything is random with a fixed seed: a failure names the seed and the line that was asked. Confluent's registry is
made of the first three libraries; its own rules of comparison are in no public package, and Apicurio's are close to
them. Where the two differ stands in `_OURS_ALONE` and `_THEIRS_ALONE`.
"""

import hashlib
import itertools
import json
import random
import subprocess
from pathlib import Path

import pytest

import oracle
from json_generator import DRAFTS, Generator

_HERE = Path(__file__).resolve().parent
_SEED = 20261121
_COUNT = 3000

# What we call compatible and Apicurio does not, by its kinds of differences.
_OURS_ALONE = {
    "SUBSCHEMA_TYPE_CHANGED": "a choice with one part is that part, and an allOf is at least each of its parts",
    "COMBINED_TYPE_ALL_OF_SIZE_INCREASED": "parts that are equal count once",
    "COMBINED_TYPE_ANY_OF_SIZE_DECREASED": "parts that are equal count once",
    "COMBINED_TYPE_ONE_OF_SIZE_DECREASED": "parts that are equal count once",
    "COMBINED_TYPE_SUBSCHEMA_NOT_COMPATIBLE": "a choice inside of a choice, by one of these",
    "COMBINED_TYPE_CRITERION_NARROWED": "one schema may become a choice that has it",
    "NOT_TYPE_SCHEMA_COMPATIBLE_NONE": "what must not match may become one part of a choice that it was",
    "OBJECT_TYPE_PROPERTY_SCHEMAS_CHANGED": "one of these inside of additionalProperties",
    "ARRAY_TYPE_SCHEMA_OF_ADDITIONAL_ITEMS_CHANGED": "one of these inside of additionalItems",
}
# What Apicurio calls compatible and we do not, by our kinds.
_THEIRS_ALONE = {
    "TYPE_CHANGED": "const and enum are two types to Confluent's registry",
    "TYPE_NARROWED": "a number that is a multiple of 1 is no integer to it",
    "MAXIMUM_ADDED": "a limit that is excluded is another keyword than one that is not",
    "MINIMUM_ADDED": "as MAXIMUM_ADDED",
    "EXCLUSIVE_MAXIMUM_ADDED": "as MAXIMUM_ADDED",
    "EXCLUSIVE_MINIMUM_ADDED": "as MAXIMUM_ADDED",
    "PRODUCT_TYPE_EXTENDED": "parts that are equal count once, so that there are more of them now",
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": "Apicurio does not look at additionalProperties here",
    "COMBINED_TYPE_SUBSCHEMAS_CHANGED": "one of these inside of a choice",
    "NOT_TYPE_EXTENDED": "one of these inside of a not",
}


@pytest.fixture(scope="module")
def libraries():
    """The command that asks the libraries, which are those of Apicurio's registry."""
    install = [_HERE.parent / "registry" / "apicurio.sh", "install"]
    jars = Path(subprocess.run(install, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()) / "lib"
    source = _HERE / "json" / "JsonVerdicts.java"
    classes = oracle.CACHE / "schema" / "json" / hashlib.sha256(source.read_bytes()).hexdigest()
    if not classes.exists():
        lints = "-Xlint:all,-classfile,-processing,-path"
        subprocess.run(["javac", lints, "-Werror", "-cp", f"{jars}/*", "-d", classes, source], check=True)
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]
    return ["java", *options, "-cp", f"{classes}:{jars}/*", source.stem]


def _both(libraries, requests):
    ours = oracle.verdicts(oracle.tidegate(), [request | {"schemaType": "JSON"} for request in requests])
    return list(zip(requests, oracle.verdicts(libraries, requests), ours))


def test_a_text_is_printed_as_jackson_prints_it(libraries):
    generator = Generator(random.Random(_SEED))
    for request, theirs, ours in _both(libraries, [{"schema": generator.text()} for _ in range(_COUNT)]):
        said = f"seed {_SEED}: {json.dumps(request)}\n{theirs}\n{ours}"
        assert ours["canonical"] == theirs["canonical"], said
        assert ours["normalized"] == theirs["normalized"], said


def test_a_schema_is_refused_where_the_libraries_refuse_it(libraries):
    generator = Generator(random.Random(_SEED + 1))
    drafts = [draft for draft in DRAFTS for _ in range(_COUNT // len(DRAFTS))]
    requests = [{"schema": generator.broken(generator.schema(), draft)} for draft in drafts]
    refused = 0
    for request, theirs, ours in _both(libraries, requests):
        said = f"seed {_SEED + 1}: {json.dumps(request)}\n{theirs}\n{ours}"
        refused += "error" in theirs
        if "error" in theirs and "error" not in ours:
            # json-sKema reads 2019-09 as 2020-12, where tuples have another name.
            assert DRAFTS[2019] in request["schema"], said
            assert "/items: expected boolean or object, found array" in theirs["error"], said
        elif "error" in ours and "error" not in theirs:
            # Confluent's registry refuses it after json-sKema has read it.
            assert "unknown type" in ours["error"] or "expected type: String" in ours["error"], said
    # Refusals and schemas that are taken: both must be many.
    assert _COUNT // 10 < refused < _COUNT - _COUNT // 10, f"seed {_SEED + 1}: {refused} of {_COUNT}"


def test_a_reference_leads_at_least_where_the_libraries_follow_it(libraries):
    own = [None, "http://a/root.json", "http://a/dir/root.json", "root.json", "urn:x:root"]
    names = ["other.json", "http://b/other.json", "dir/other.json", "./other.json", "/other.json", "other"]
    targets = [*names, "http://a/other.json", "http://a/dir/other.json", "#", "#/definitions/own", "root.json"]
    targets += [f"other.json{fragment}" for fragment in ("#", "#/definitions/x", "#/definitions/none")]
    other = json.dumps({"definitions": {"x": {"type": "string"}}, "items": {"$ref": "#/definitions/x"}})
    requests = []
    for draft, uri, name, target in itertools.product((4, 7, 2020), own, names, targets):
        schema = {"$schema": DRAFTS[draft], "items": {"$ref": target}, "definitions": {"own": {}}}
        if uri:
            schema["id" if draft == 4 else "$id"] = uri
        requests.append({"schema": json.dumps(schema), "references": [{"name": name, "schema": other}]})
    followed = 0
    for request, theirs, ours in _both(libraries, requests):
        said = f"{json.dumps(request)}\n{theirs}\n{ours}"
        if "error" not in theirs:
            followed += 1
            assert "error" not in ours, said
        elif "error" not in ours:
            # They look for it elsewhere, where we know it under another of its names.
            assert "java.io" in theirs["error"] or "SchemaDocumentLoadingException" in theirs["error"], said
    assert followed > len(requests) // 10


def test_verdicts_are_those_of_apicurio_but_for_differences_that_are_known(libraries):
    generator = Generator(random.Random(_SEED + 2))
    requests = []
    for number in range(_COUNT):
        schema = generator.schema()
        evolved = generator.evolved(schema)
        reader, writer = (evolved, schema) if number % 2 else (schema, evolved)
        texts = [json.dumps({"$schema": DRAFTS[7]} | text) for text in (reader, writer)]
        requests.append({"schema": texts[0], "previous": texts[1]})
    same = differing = 0
    for request, theirs, ours in _both(libraries, requests):
        said = f"seed {_SEED + 2}: {json.dumps(request)}\n{theirs}\n{ours}"
        if "compatible" not in theirs:
            # Neither takes the schema, or Apicurio's comparison broke off.
            assert "error" in ours if "error" in theirs else "problem" in theirs, said
            continue
        compatible = not ours["incompatibilities"]
        if compatible == theirs["compatible"]:
            same += 1
        elif compatible:
            differing += 1
            assert {difference.split()[0] for difference in theirs["differences"]} & set(_OURS_ALONE), said
        else:
            differing += 1
            assert {reason["type"] for reason in ours["incompatibilities"]} & set(_THEIRS_ALONE), said
    assert same > _COUNT * 9 // 10 and differing < _COUNT // 50, f"seed {_SEED + 2}: {same} and {differing} of {_COUNT}"
