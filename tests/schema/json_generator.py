"""Random JSON Schemas, what becomes of them, and what damages them."""

import copy
import json

DRAFTS = {
    4: "http://json-schema.org/draft-04/schema#",
    6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#",
    2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}
_NAMES = ["a", "b", "c", "d"]
_JUNK = [None, True, False, 0, 1, -1, 1.5, 10**12, "", "x", "(", [], [1], ["a"], [None], {}, {"a": 1}, {"a": {}}, [{}]]
_KEYWORDS = [
    "type", "enum", "const", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "properties", "required", "additionalProperties", "patternProperties",
    "propertyNames", "minProperties", "maxProperties", "dependencies", "dependentRequired", "dependentSchemas", "items",
    "prefixItems", "additionalItems", "contains", "minItems", "maxItems", "uniqueItems", "allOf", "anyOf", "oneOf",
    "not", "if", "then", "else", "title", "description", "default", "readOnly", "writeOnly", "definitions", "$defs",
    "examples", "$comment", "x-unknown", "unevaluatedItems", "unevaluatedProperties", "deprecated",
]  # fmt: skip


class Generator:
    def __init__(self, random):
        self.random = random

    def schema(self, depth=3):
        """A schema that says what type it is about."""
        kinds = [self._string, self._number, self._plain, self._values]
        if depth:
            kinds += [self._object, self._object, self._array, self._combined]
        return self.random.choice(kinds)(depth)

    def _string(self, _depth):
        return {"type": "string"} | self._limits("minLength", "maxLength") | self._maybe(5, "pattern", "^a+$")

    def _number(self, _depth):
        # One limit at each end: Apicurio's registry takes the tighter of two for both.
        lower = self.random.choice(["minimum", "exclusiveMinimum"])
        upper = self.random.choice(["maximum", "exclusiveMaximum"])
        limits = self._limits(lower, upper)
        multiple = self._maybe(5, "multipleOf", self.random.choice([1, 2, 3, 4, 6]))
        return {"type": self.random.choice(["integer", "number"])} | limits | multiple

    def _plain(self, _depth):
        return {"type": self.random.choice(["boolean", "null"])}

    def _values(self, _depth):
        values = [value for value in ["x", "y", 1, 2, None] if self.random.random() < 0.5]
        return {"enum": values or ["x"]} if self.random.random() < 0.7 else {"const": self.random.choice(["x", 1])}

    def _object(self, depth):
        properties = {name: self.schema(depth - 1) for name in _NAMES if self.random.random() < 0.5}
        required = [name for name in properties if self.random.random() < 0.3]
        made = {"type": "object", "properties": properties}
        if required:
            made["required"] = required
        if self.random.random() < 0.5:
            made["additionalProperties"] = self.random.choice([False, True, self.schema(depth - 1)])
        return made | self._limits("minProperties", "maxProperties", chance=0.1)

    def _array(self, depth):
        made = {"type": "array"}
        if self.random.random() < 0.6:
            made["items"] = self.schema(depth - 1)
        elif self.random.random() < 0.6:
            made["items"] = [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]
            made["additionalItems"] = self.random.choice([False, True, self.schema(depth - 1)])
        return made | self._limits("minItems", "maxItems", chance=0.2) | self._maybe(5, "uniqueItems", True)

    def _combined(self, depth):
        if self.random.random() < 0.2:
            return {"not": self.schema(depth - 1)}
        keyword = self.random.choice(["allOf", "anyOf", "oneOf"])
        return {keyword: [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]}

    def _limits(self, *keywords, chance=0.25):
        return {keyword: self.random.randint(0, 9) for keyword in keywords if self.random.random() < chance}

    def _maybe(self, sides, keyword, value):
        return {keyword: value} if self.random.randrange(sides) == 0 else {}

    def evolved(self, schema, depth=3):
        """`schema` with one change, mostly somewhere inside."""
        evolved = copy.deepcopy(schema)
        below = [child for child in self._children(evolved)]
        if below and self.random.random() < 0.6:
            holder, key = self.random.choice(below)
            holder[key] = self.evolved(holder[key], depth - 1)
            return evolved
        return self._changed(evolved, max(depth - 1, 0))

    def _children(self, schema):
        for keyword in ("properties", "items", "allOf", "anyOf", "oneOf"):
            value = schema.get(keyword)
            if isinstance(value, list):
                yield from ((value, index) for index in range(len(value)))
            elif keyword == "properties" and isinstance(value, dict):
                yield from ((value, name) for name in value)
            elif isinstance(value, dict) and keyword == "items":
                yield schema, keyword
        for keyword in ("additionalProperties", "additionalItems", "not"):
            if isinstance(schema.get(keyword), dict):
                yield schema, keyword

    def _changed(self, schema, depth):
        numbers = [keyword for keyword, value in schema.items() if type(value) is int]
        choices = [lambda: self.schema(depth)]
        if numbers:
            limit = self.random.choice(numbers)
            choices.append(lambda: schema | {limit: schema[limit] + self.random.choice([-1, 1, 2])})
            choices.append(lambda: {name: value for name, value in schema.items() if name != limit})
        if schema.get("type") in ("integer", "number"):
            choices.append(lambda: schema | {"type": self.random.choice(["integer", "number"])})
        if "properties" in schema:
            choices += [lambda: self._other_properties(schema, depth), lambda: self._other_required(schema)]
            choices.append(lambda: schema | {"additionalProperties": self.random.choice([False, True])})
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in schema:
                choices += [lambda keyword=keyword: self._other_parts(schema, keyword, depth)] * 2
        if "enum" in schema:
            choices.append(lambda: {"enum": schema["enum"] + ["z"]})
            choices.append(lambda: {"enum": schema["enum"][1:] or ["z"]})
        return self.random.choice(choices)()

    def _other_properties(self, schema, depth):
        name = self.random.choice(_NAMES)
        if schema["properties"].pop(name, None) is None:
            schema["properties"][name] = self.schema(depth)
        elif name in schema.get("required", []):
            schema["required"].remove(name)
        return schema

    def _other_required(self, schema):
        required = set(schema.get("required", []))
        names = list(schema["properties"])
        if names:
            required ^= {self.random.choice(names)}
        return schema | {"required": sorted(required)}

    def _other_parts(self, schema, keyword, depth):
        parts = schema[keyword]
        change = self.random.randrange(3)
        if change == 0:
            parts.append(self.schema(depth))
        elif change == 1 and len(parts) > 1:
            parts.pop(self.random.randrange(len(parts)))
        else:
            parts.reverse()
        return schema

    def broken(self, schema, draft):
        """The text of `schema` in a draft, with keywords that may be of wrong types strewn in."""
        broken = copy.deepcopy(schema)
        for _ in range(self.random.randint(1, 2)):
            target = broken
            while (children := list(self._children(target))) and self.random.random() < 0.5:
                holder, key = self.random.choice(children)
                if not isinstance(holder[key], dict):
                    break
                target = holder[key]
            target[self.random.choice(_KEYWORDS)] = copy.deepcopy(self.random.choice(_JUNK))
        return json.dumps({"$schema": DRAFTS[draft]} | broken)

    def text(self):
        """A schema whose text is hard to print: numbers, escapes, white space, members of any order."""
        count = self.random.randint(1, 5)
        members = [f"{json.dumps(self._name())}{self._space()}:{self._value(2)}" for _ in range(count)]
        members.append(f'"default":{self._number_text()}')
        self.random.shuffle(members)
        return "{" + self._space() + ("," + self._space()).join(members) + "}"

    def _name(self):
        signs = 'ab\u00e9\u4e2d\U0001f600\uffee"\\/\t\n\u0001\u001f\u007f'
        return "x" + "".join(self.random.choices(signs, k=3))

    def _space(self):
        return self.random.choice(["", "", " ", "\n  "])

    def _value(self, depth):
        choice = self.random.randrange(5 if depth else 3)
        if choice == 0:
            return self._number_text()
        if choice == 1:
            return json.dumps(self._name(), ensure_ascii=self.random.random() < 0.5)
        if choice == 2:
            return self.random.choice(["true", "false", "null"])
        if choice == 3:
            return "[" + ",".join(self._value(depth - 1) for _ in range(self.random.randint(0, 3))) + "]"
        names = {self._name() for _ in range(self.random.randint(0, 3))}
        return "{" + ",".join(f"{json.dumps(name)}:{self._value(depth - 1)}" for name in sorted(names)) + "}"

    def _number_text(self):
        whole = self.random.choice(["0", "7", "10", "123456", "98765432109876543210"])
        fraction = self.random.choice(["", "", ".0", ".10", ".000001", ".0000001", ".12345678901234567890"])
        exponent = self.random.choice(["", "", "", "e0", "E5", "e-3", "e+12", "E-20", "e400"])
        return self.random.choice(["", "-"]) + whole + fraction + exponent
