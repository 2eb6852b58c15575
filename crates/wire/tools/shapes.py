#!/usr/bin/env python3
"""Writes src/guard/shapes.rs from the message definitions inside a kafka-clients jar.

    tools/shapes.py ~/.m2/repository/org/apache/kafka/kafka-clients/4.4.0/kafka-clients-4.4.0.jar

Another request is one more line in REQUESTS. Versions are the ones this gateway reads, which may go
below what the jar still allows: the layout of a removed version has to be looked up in an older jar.
"""

import json
import pathlib
import re
import subprocess
import sys
import zipfile

# Name, first version, last version, and whether the library decodes it (else a codec of our own).
REQUESTS = [
    ("Produce", 3, 13, False),
    ("Fetch", 4, 18, False),
    ("ListOffsets", 1, 10, True),
    ("Metadata", 0, 13, True),
    ("OffsetCommit", 0, 10, False),
    ("OffsetFetch", 0, 10, False),
    ("FindCoordinator", 0, 6, True),
    ("JoinGroup", 0, 9, True),
    ("Heartbeat", 0, 4, True),
    ("LeaveGroup", 0, 5, True),
    ("SyncGroup", 0, 5, True),
    ("DescribeGroups", 0, 6, True),
    ("ListGroups", 0, 5, True),
    ("ApiVersions", 0, 4, True),
    ("CreateTopics", 2, 7, True),
    ("DeleteTopics", 1, 6, True),
    ("InitProducerId", 0, 5, True),
    ("OffsetForLeaderEpoch", 2, 4, True),
    ("DescribeAcls", 1, 3, True),
    ("CreateAcls", 1, 3, True),
    ("DeleteAcls", 1, 3, True),
    ("DescribeConfigs", 1, 4, True),
    ("DeleteGroups", 0, 2, True),
    ("DescribeCluster", 0, 2, True),
    ("DescribeTopicPartitions", 0, 0, True),
    ("DeleteRecords", 0, 2, True),
    ("AlterConfigs", 0, 2, True),
    ("DescribeLogDirs", 1, 4, True),
    ("CreatePartitions", 0, 3, True),
    ("ElectLeaders", 0, 2, True),
    ("IncrementalAlterConfigs", 0, 1, True),
    ("AlterPartitionReassignments", 0, 1, True),
    ("ListPartitionReassignments", 0, 0, True),
    ("OffsetDelete", 0, 0, True),
    ("DescribeClientQuotas", 0, 1, True),
    ("AlterClientQuotas", 0, 1, True),
    ("DescribeUserScramCredentials", 0, 0, True),
    ("DescribeQuorum", 0, 2, True),
    ("UpdateFeatures", 0, 2, True),
    ("DescribeProducers", 0, 0, True),
    ("GetTelemetrySubscriptions", 0, 0, True),
    ("PushTelemetry", 0, 0, True),
    ("ListConfigResources", 0, 1, True),
]

KINDS = {
    "bool": "Fixed(1)", "int8": "Fixed(1)", "int16": "Fixed(2)", "uint16": "Fixed(2)",
    "int32": "Fixed(4)", "uint32": "Fixed(4)", "int64": "Fixed(8)", "float64": "Fixed(8)",
    "uuid": "Fixed(16)", "string": "Text", "bytes": "Blob", "records": "Blob",
}

HEADER = """//! The layout of each request, from Kafka's message definitions. Written by tools/shapes.py.

use super::Kind::{Array, Blob, Fixed, Structure, Text};
use super::{END, Field, Request, field, request};
"""


def read(jar, name):
    """One definition, without the comments that JSON does not have."""
    text = jar.read(f"common/message/{name}Request.json").decode()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))


def versions(text):
    """"3", "3+", "3-5" or "none" as the first and the last version; END for an open range."""
    if text == "none":
        return "END", "-1"
    if text.endswith("+"):
        return text[:-1], "END"
    first, _, last = text.partition("-")
    return first, last or first


def kind(declared, fields, structures):
    if declared.startswith("[]"):
        return f"Array(&{kind(declared[2:], fields, structures)})"
    if declared in KINDS:
        return KINDS[declared]
    return f"Structure({layout(fields or structures[declared], structures)})"


def layout(fields, structures):
    out = []
    for item in fields:
        made = kind(item["type"], item.get("fields"), structures)
        first, last = versions(item["versions"])
        text = f'field("{item["name"]}", {made}, {first}, {last})'
        if "nullableVersions" in item:
            text += ".nullable({}, {})".format(*versions(item["nullableVersions"]))
        if "tag" in item:
            sys.exit(f"{item['name']} is a tagged field, which the walk would skip unchecked")
        out.append(text)
    return "&[" + ", ".join(out) + "]"


def main():
    jar = zipfile.ZipFile(sys.argv[1])
    layouts, rows = [], []
    for name, first, last, by_library in REQUESTS:
        definition = read(jar, name)
        key = definition["apiKey"]
        flexible_since, _ = versions(definition["flexibleVersions"])
        fields = "None"
        if by_library:
            structures = {s["name"]: s["fields"] for s in definition.get("commonStructs", [])}
            constant = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
            body = layout(definition["fields"], structures)
            layouts.append(f"const {constant}: &[Field] = {body};\n")
            fields = f"Some({constant})"
        row = f'request({key}, "{name}", {first}, {last}, {flexible_since}, {fields}),\n'
        rows.append((key, row))
    table = ("/// Every request that can be read, by rising key.\n"
             f"pub const REQUESTS: &[Request] = &[\n{''.join(row for _, row in sorted(rows))}];\n")
    target = pathlib.Path(__file__).parent.parent / "src/guard/shapes.rs"
    target.write_text("\n".join([HEADER, table, *layouts]))
    subprocess.run(["rustfmt", "--edition", "2024", target], check=True)


if __name__ == "__main__":
    main()
