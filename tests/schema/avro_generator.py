"""Random Avro schemas, and what people and accidents make of them.

A schema is a graph of dicts here, so that a named type that is used twice is one dict used twice. `text` writes it
as JSON in one of many ways: members in any order, names with or without their namespaces, types plain or in objects.
"""

import copy
import json

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
NAMED = ("record", "enum", "fixed")
_NAMES = ["A", "B", "Cc", "D_1", "Ä", "record", "map"]
_NAMESPACES = [None, None, "n", "n.m", "com.example"]
_FIELDS = ["a", "b", "c", "d", "e", "f1", "_g", "ü"]
_SYMBOLS = ["X", "Y", "Z", "W", "x", "é"]
_TEXTS = ["", "plain", 'with "quotes" and \\', "line\nbreak\ttab", "\u0001\u007f", "ünïcode €", "😀", "</script>"]
_LOGICAL = [
    ("int", "date"), ("int", "time-millis"), ("long", "timestamp-millis"), ("long", "time-micros"),
    ("long", "local-timestamp-micros"), ("string", "uuid"), ("bytes", "decimal"), ("int", "decimal"), ("long", "date"),
    ("string", "own"),
]
_NUMBERS = [0, 1, -1, 7, 2**31 - 1, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, 0.5, -1.25, 100.0, 1e7, 1.5e-5, 123456.789, 1e21]


class Generator:
    """Schemas from one source of chance."""

    def __init__(self, random):
        self.random = random
        self._named = []

    def schema(self):
        """A new schema; most are records."""
        self._named = []
        if self.random.random() < 0.85:
            return self._record(0)
        return self._type(0)

    # ------------------------------------------------------------------ types

    def _type(self, depth, in_union=False):
        roll = self.random.random()
        if depth > 3 or roll < 0.42:
            return self._primitive()
        if roll < 0.52 and self._named:
            return self.random.choice(self._named)
        if roll < 0.62:
            return {"kind": "array", "items": self._type(depth + 1), "props": self._props(0.1)}
        if roll < 0.70:
            return {"kind": "map", "values": self._type(depth + 1), "props": self._props(0.1)}
        if roll < 0.80 and not in_union:
            return self._union(depth)
        return self.random.choice([self._record, self._record, self._enum, self._fixed])(depth)

    def _primitive(self):
        if self.random.random() < 0.12:
            kind, logical = self.random.choice(_LOGICAL)
            props = self._props(0.3)
            props["logicalType"] = logical
            if logical == "decimal":
                props["precision"] = self.random.choice([0, 4, 9])
                if self.random.random() < 0.6:
                    props["scale"] = self.random.choice([0, 2, 5])
            return {"kind": kind, "props": props}
        return {"kind": self.random.choice(PRIMITIVES), "props": self._props(0.05)}

    def _union(self, depth):
        branches, seen = [], set()
        for _ in range(self.random.randint(1, 4)):
            branch = self._type(depth + 1, in_union=True)
            key = full_name(branch)
            if key not in seen:
                seen.add(key)
                branches.append(branch)
        if self.random.random() < 0.5 and "null" not in seen:
            branches.insert(0, {"kind": "null", "props": {}})
        return {"kind": "union", "branches": branches}

    def _name(self, kind):
        """What all named types have, under a name that is not taken."""
        taken = {full_name(named) for named in self._named}
        while True:
            named = {
                "kind": kind,
                "name": self.random.choice(_NAMES) + self.random.choice(["", "", "1", "2"]),
                "namespace": self.random.choice(_NAMESPACES),
                "doc": self._maybe(0.2, _TEXTS),
                "aliases": self.random.sample(["Al", "n.Al", "Old", "com.example.A", "map"], self.random.choice([0, 0, 0, 1, 2])),
                "props": self._props(0.1),
            }
            if full_name(named) not in taken:
                self._named.append(named)
                return named

    def _record(self, depth):
        record = self._name("record") | {}
        self._named[-1] = record
        record["error"] = self.random.random() < 0.03
        record["fields"] = []
        for name in self.random.sample(_FIELDS, self.random.choice([0, 1, 2, 3, 3, 5])):
            record["fields"].append(self.field(name, depth + 1))
        return record

    def field(self, name, depth=2):
        """A field of a random type, with a default if chance has it."""
        field = {
            "name": name,
            "type": self._type(depth),
            "doc": self._maybe(0.15, _TEXTS),
            # Rarely the name of another field: then the two have one origin, which ends every comparison.
            "aliases": self.random.sample(["z", "y", "x", self._maybe(0.05, _FIELDS) or "w"], self.random.choice([0, 0, 0, 0, 1, 2])),
            "order": self._maybe(0.1, ["ascending", "descending", "ignore", "IGNORE"]),
            "props": self._props(0.1),
        }
        if self.random.random() < 0.3:
            field["default"] = self.value(field["type"], 0)
        return field

    def _enum(self, depth):
        enum = self._name("enum")
        enum["symbols"] = self.random.sample(_SYMBOLS, self.random.randint(1, 5))
        enum["default"] = self._maybe(0.3, enum["symbols"])
        return enum

    def _fixed(self, depth):
        fixed = self._name("fixed")
        fixed["size"] = self.random.choice([0, 1, 4, 12, 16])
        if self.random.random() < 0.3:
            logical = {"logicalType": "decimal", "precision": self.random.choice([2, 9, 30])}
            fixed["props"] = fixed["props"] | logical
        return fixed

    def referring(self, schema):
        """Two texts: a type that the schema uses, and the schema that only names it. None if it uses no named type."""
        closed = self._parts(schema)
        if not closed:
            return None
        referred = self.random.choice(closed)
        known = [full_name(node) for node in walk(referred) if node["kind"] in NAMED]
        return self.text(referred), self.text(schema, known)

    def _parts(self, schema):
        """The named types inside of the schema that do not use it in turn."""
        inner = [node for node in walk(schema) if node["kind"] in NAMED and node is not schema]
        return [node for node in inner if not any(part is schema for part in walk(node))]

    def used_before_definition(self, schema):
        """A text that uses a type in its first field and defines it in its second. None if the schema has none."""
        closed = self._parts(schema)
        if not closed:
            return None
        late = self.random.choice(closed)
        known = {full_name(node) for node in walk(late) if node["kind"] in NAMED}
        early = {"name": "early", "type": self._written(schema, None, set(known))}
        fields = [early, {"name": "late", "type": self._written(late, None, set())}]
        return json.dumps({"type": "record", "name": "Whole", "fields": fields})

    def broken(self, text):
        """The text with one member of one object taken away or made something else."""
        value = json.loads(text)
        objects = [value]
        for node in objects:
            parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
            objects += [part for part in parts if isinstance(part, (dict, list))]
        places = [node for node in objects if node and isinstance(node, (dict, list))]
        if not places:
            return json.dumps(self.json(0))
        node = self.random.choice(places)
        key = self.random.choice(list(node)) if isinstance(node, dict) else self.random.randrange(len(node))
        if self.random.random() < 0.3:
            node.pop(key)
        else:
            other = [node[key], self.random.choice(PRIMITIVES), "n.A", "a-b", "1", -1, 2**31, {"type": "R"}, ["null", "null"], self.json(0)]
            node[key] = self.random.choice(other)
        return json.dumps(value)

    # ------------------------------------------------------------------ values

    def value(self, kind, depth):
        """JSON that is a value of the type, or nearly always."""
        if self.random.random() < 0.02:
            return self.json(1)
        name = kind["kind"]
        if name == "union":
            if not kind["branches"]:
                return None
            return self.value(kind["branches"][0 if self.random.random() < 0.9 else -1], depth + 1)
        if name == "array":
            return [self.value(kind["items"], depth + 1) for _ in range(self._few(depth))]
        if name == "map":
            return {key: self.value(kind["values"], depth + 1) for key in self.random.sample(_TEXTS, self._few(depth))}
        if name == "record":
            if depth > 4:
                return {}
            return {field["name"]: self.value(field["type"], depth + 1) for field in kind.get("fields", [])}
        return {
            "null": lambda: None,
            "boolean": lambda: self.random.random() < 0.5,
            "int": lambda: self.random.choice([0, 1, -5, 2**31 - 1, -(2**31)]),
            "long": lambda: self.random.choice([0, 1, -5, 2**31, -(2**63)]),
            "float": lambda: self.random.choice([0, 1.5, -2.25, 1e10, "NaN", "-Infinity", "1.5"]),
            "double": lambda: self.random.choice([3, 1.1, 1e-7, 1e300, 123456789.125, "NaN", "1e3"]),
            "bytes": lambda: self.random.choice(_TEXTS),
            "string": lambda: self.random.choice(_TEXTS),
            "enum": lambda: self.random.choice(kind["symbols"]),
            "fixed": lambda: "\u00ff" * kind["size"],
        }[name]()

    def json(self, depth):
        """Any JSON."""
        roll = self.random.random()
        if depth > 2 or roll < 0.35:
            return self.random.choice(_TEXTS)
        if roll < 0.7:
            return self.random.choice(_NUMBERS)
        if roll < 0.8:
            return self.random.choice([True, False, None])
        if roll < 0.9:
            return [self.json(depth + 1) for _ in range(self.random.randint(0, 3))]
        return {self.random.choice(["k", "a", "Z", "é"]): self.json(depth + 1) for _ in range(self.random.randint(0, 3))}

    def _few(self, depth):
        return 0 if depth > 3 else self.random.randint(0, 2)

    def _maybe(self, chance, values):
        return self.random.choice(values) if self.random.random() < chance else None

    def _props(self, chance):
        props = {}
        while self.random.random() < chance and len(props) < 3:
            props[self.random.choice(["p", "q", "A", "connect.name", "java-class", "x-y"])] = self.json(1)
        return props

    # ------------------------------------------------------------------ evolution

    def evolved(self, schema):
        """A copy of the schema with up to four changes."""
        schema = copy.deepcopy(schema)
        for _ in range(self.random.choice([1, 1, 2, 2, 3, 4])):
            # A fresh list each time: a change may have taken types out, or brought new ones.
            nodes = list(walk(schema))
            self._named = [node for node in nodes if node["kind"] in NAMED]
            node = self.random.choice(nodes)
            if self.random.random() < 0.5 and any(n["kind"] == "record" for n in nodes):
                node = self.random.choice([n for n in nodes if n["kind"] == "record"])
            self._change(node)
        return schema

    def _change(self, node):
        if node["kind"] == "record":
            self._change_record(node)
        elif node["kind"] == "enum":
            change = self.random.random()
            if change < 0.3:
                node["default"] = None if node["default"] else self.random.choice(node["symbols"])
            elif change < 0.7:
                node["symbols"] = self.random.sample(_SYMBOLS, self.random.randint(1, 5))
                if node["default"] not in node["symbols"]:
                    node["default"] = None
            else:
                self._rename(node)
        elif node["kind"] == "fixed":
            if self.random.random() < 0.5:
                node["size"] = self.random.choice([1, 4, 8])
            else:
                self._rename(node)
        elif node["kind"] == "union":
            if node["branches"] and self.random.random() < 0.5:
                node["branches"].pop(self.random.randrange(len(node["branches"])))
            else:
                branch = self._type(3, in_union=True)
                if full_name(branch) not in map(full_name, node["branches"]):
                    node["branches"].insert(self.random.randint(0, len(node["branches"])), branch)
        elif node["kind"] == "array":
            node["items"] = self._evolved_type(node["items"])
        elif node["kind"] == "map":
            node["values"] = self._evolved_type(node["values"])
        else:
            node["kind"] = self.random.choice(PRIMITIVES)

    def _change_record(self, record):
        fields = record["fields"]
        change = self.random.random()
        names = {field["name"] for field in fields}
        free = [name for name in _FIELDS if name not in names]
        if change < 0.25 and free:
            fields.insert(self.random.randint(0, len(fields)), self.field(self.random.choice(free), 3))
        elif change < 0.45 and fields:
            fields.pop(self.random.randrange(len(fields)))
        elif change < 0.6 and fields and free:
            field = self.random.choice(fields)
            if self.random.random() < 0.6:
                field["aliases"] = [*field["aliases"], field["name"]]
            field["name"] = self.random.choice(free)
        elif change < 0.85 and fields:
            field = self.random.choice(fields)
            field["type"] = self._evolved_type(field["type"])
            field.pop("default", None)
        elif change < 0.92:
            self.random.shuffle(fields)
        else:
            self._rename(record)

    def _evolved_type(self, kind):
        """Another type, or the same in a union or out of it."""
        roll = self.random.random()
        if kind["kind"] == "union" and roll < 0.4 and kind["branches"]:
            return self.random.choice(kind["branches"])
        if kind["kind"] != "union" and roll < 0.5:
            null = {"kind": "null", "props": {}}
            return {"kind": "union", "branches": [kind] if kind["kind"] == "null" else [null, kind]}
        return self._type(2)

    def _rename(self, named):
        old = full_name(named)
        taken = {full_name(other) for other in self._named}
        for _ in range(20):
            name, namespace = self.random.choice(_NAMES[:5]), self.random.choice([named["namespace"], *_NAMESPACES])
            if full_name(named | {"name": name, "namespace": namespace}) not in taken:
                named["name"], named["namespace"] = name, namespace
                if self.random.random() < 0.5:
                    named["aliases"] = [*named["aliases"], old]
                return

    # ------------------------------------------------------------------ text

    def text(self, schema, known=()):
        """The schema as JSON, in which the types of the full names `known` are only named."""
        written = self._written(schema, None, set(known))
        return json.dumps(written, ensure_ascii=self.random.random() < 0.3, indent=self.random.choice([None, None, 2]))

    def _written(self, node, namespace, known):
        kind = node["kind"]
        if kind in PRIMITIVES:
            if not node["props"] and self.random.random() < 0.8:
                return kind
            return self._object({"type": kind} | node["props"])
        if kind == "union":
            return [self._written(branch, namespace, known) for branch in node["branches"]]
        if kind in ("array", "map"):
            part = "items" if kind == "array" else "values"
            return self._object({"type": kind, part: self._written(node[part], namespace, known)} | node["props"])
        full = full_name(node)
        if full in known:
            inherits = node["namespace"] == namespace and self.random.random() < 0.7
            return node["name"] if inherits and node["name"] not in ("record", "map") else full
        known.add(full)
        return self._object(self._definition(node, namespace, known))

    def _definition(self, node, namespace, known):
        written = {"type": "error" if node.get("error") else node["kind"], "name": node["name"]}
        if node["namespace"] != namespace or self.random.random() < 0.2:
            if node["namespace"] and self.random.random() < 0.4:
                written["name"] = full_name(node)
            else:
                written["namespace"] = node["namespace"] or ""
        if node["doc"] is not None:
            written["doc"] = node["doc"]
        if node["aliases"]:
            written["aliases"] = node["aliases"]
        if node["kind"] == "record":
            written["fields"] = [self._field(field, node["namespace"], known) for field in node["fields"]]
        elif node["kind"] == "enum":
            written["symbols"] = node["symbols"]
            if node["default"] is not None:
                written["default"] = node["default"]
        else:
            written["size"] = node["size"]
        return written | node["props"]

    def _field(self, field, namespace, known):
        written = {"name": field["name"], "type": self._written(field["type"], namespace, known)}
        for member in ("doc", "order"):
            if field[member] is not None:
                written[member] = field[member]
        if field["aliases"]:
            written["aliases"] = field["aliases"]
        if "default" in field:
            written["default"] = field["default"]
        return self._object(written | field["props"])

    def _object(self, members):
        """The members in any order: except that a record's fields stay in front of nothing that names their types."""
        items = list(members.items())
        self.random.shuffle(items)
        return dict(items)


def full_name(node):
    """What Avro calls the type."""
    if node["kind"] not in NAMED:
        return node["kind"]
    return f"{node['namespace']}.{node['name']}" if node["namespace"] else node["name"]


def walk(schema):
    """All types of the schema, each once."""
    seen, todo = set(), [schema]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        parts = [node[part] for part in ("items", "values") if part in node]
        todo += parts + node.get("branches", []) + [field["type"] for field in node.get("fields", [])]
