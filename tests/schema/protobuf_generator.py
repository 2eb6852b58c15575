"""Random Protobuf files: of everything that the language has, and with damage."""

SCALARS = (
    "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes"
).split()
_KEYS = [kind for kind in SCALARS if kind not in ("double", "float", "bytes")]
_WORDS = "alpha beta gamma delta id name_of Value message_ default_ URL x1 some_long_name".split()
_STRINGS = ['"a"', "'b'", '"it\\\'s"', '"tab\\tnew\\n"', '"\\x41\\101"', '"one" "two"', '"\\\\ \\""', '"größe"', '""', '"//no"']
_NUMBERS = "1 -5 0x1F 010 1.50 -2.5e3 0.12345 18446744073709551615 1e40 2.5f".split()
_GAPS = [" ", " ", " ", " ", "\n", "\t ", " // a comment\n", " /* a\n * comment */ ", "\r\n"]
_DAMAGE = list('{}[]()<>;=,.:"\'\\/-_ \n0129aZ') + ["/*", "*/", "//", "option ", "map<", " to ", "reserved ", "group ", "ü"]


class Generator:
    """Files from one source of chance."""

    def __init__(self, chance):
        self.chance = chance
        self.proto3 = True
        self.count = 0
        self.plain = False

    def sound_file(self):
        """A file that the protocol compiler would take too: no numbers, names or options that it refuses."""
        self.proto3 = self.maybe(0.6)
        package = self.chance.choice(["", "package a;", "package a.b;"])
        syntax = 'syntax = "proto3";' if self.proto3 else 'syntax = "proto2";'
        imports = ["google/protobuf/timestamp.proto", "google/protobuf/any.proto"]
        self.messages = ["google.protobuf.Timestamp", ".google.protobuf.Any"]
        names = [self.name("M") for _ in range(self.chance.randint(1, 3))]
        self.messages += names
        return "\n".join([syntax, package, *(f'import "{path}";' for path in imports), *(self.sound_message(name, 0) for name in names)])

    def sound_message(self, name, depth):
        inner = [self.name("N") for _ in range(self.chance.randint(0, 2 if depth < 2 else 0))]
        enum, self.tag = self.name("E"), 0
        self.messages += [*inner, enum]
        options = ["", "", " [deprecated = true]", ' [json_name = "other%d"]']

        def field(label):
            number = self.next_tag()
            return f"{label}{self.kind()} {self.name('f')} = {number}{self.chance.choice(options).replace('%d', str(number))};"

        parts = [field(self.label()) for _ in range(self.chance.randint(0, 5))]
        parts += self.some(2, lambda: f"map<{self.chance.choice(_KEYS)}, {self.kind()}> {self.chance.choice(['', 'my_'])}{self.name('m')} = {self.next_tag()};")
        parts += self.some(2, lambda: f"oneof {self.name('o')} {{ {field('')} {field('')} }}")
        parts.append(f"enum {enum} {{ {self.name('C')} = 0; {self.name('C')} = -1; }}")
        parts += [self.sound_message(each, depth + 1) for each in inner]
        for each in [*inner, enum]:
            self.messages.remove(each)
        self.chance.shuffle(parts)
        return f"message {name} {{ {' '.join(parts)} }}"

    def maybe(self, probability):
        return self.chance.random() < probability

    def some(self, most, make):
        return [make() for _ in range(self.chance.randint(0, most))]

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def word(self):
        return self.chance.choice(_WORDS)

    def file(self):
        """The text of one file. All names in it can be resolved."""
        self.proto3 = self.maybe(0.6)
        # What Wire itself prints is comparable: it does not escape strings, and fails on lists of options.
        self.plain = self.maybe(0.4)
        self.messages = ["google.protobuf.Timestamp", ".google.protobuf.Any"]
        parts = ['syntax = "proto3";' if self.proto3 else self.chance.choice(['syntax = "proto2";', ""])]
        if self.maybe(0.7):
            parts.append(f"package {self.chance.choice(['a', 'a.b', 'com.example.v1'])};")
        parts += self.some(2, lambda: f"import {self.chance.choice(['', 'public ', 'weak '])}\"google/{self.word()}.proto\";")
        parts += self.some(2, lambda: self.option_declaration())
        # Types are declared before they are used or after: a name for each is there from the start.
        names = [self.name("M") for _ in range(self.chance.randint(1, 3))]
        self.messages += names
        body = [self.message(name, 0) for name in names]
        body += self.some(2, self.enumeration)
        body += self.some(1, self.service)
        body += self.some(1, lambda: self.extend())
        self.chance.shuffle(body)
        return self.spread("\n".join(parts + body))

    def spread(self, text):
        """White space and comments where they change nothing: not in strings, not behind a declaration."""
        result, quote, before = [], None, ";"
        for at, each in enumerate(text):
            if quote is None and each in "\"'":
                quote = each
            elif each == quote and text[at - 1] != "\\":
                quote = None
            free = quote is None and each == " " and before not in ";/" and text[at + 1 : at + 2] != "/"
            result.append(self.chance.choice(_GAPS) if free and self.maybe(0.1) else each)
            before = each if each != " " else before
        return "".join(result)

    def message(self, name, depth):
        self.tag = 0 if depth == 0 else self.tag
        inner = [self.name("N") for _ in range(self.chance.choice([0, 0, 1, 2] if depth < 3 else [0]))]
        self.messages += inner
        parts = self.some(4, self.field) + self.some(2, self.map_field) + self.some(2, self.oneof)
        parts += [self.message(each, depth + 1) for each in inner]
        parts += self.some(1, self.enumeration)
        parts += self.some(2, self.reserved)
        parts += self.some(2, self.option_declaration)
        if not self.proto3:
            parts += self.some(1, self.group)
            parts += self.some(1, lambda: f"extensions {self.ranges()}{self.chance.choice(['', ' [deprecated = true]'])};")
        parts += self.some(1, self.extend) if self.maybe(0.3) else []
        parts += [";"] if self.maybe(0.1) else []
        self.chance.shuffle(parts)
        for each in inner:
            self.messages.remove(each)
        return f"message {name} {{ {' '.join(parts)} }}"

    def label(self):
        if self.proto3:
            return self.chance.choice(["", "", "repeated ", "optional "])
        return self.chance.choice(["optional ", "required ", "repeated "])

    def kind(self):
        return self.chance.choice(SCALARS) if self.maybe(0.7) else self.chance.choice(self.messages)

    def next_tag(self):
        self.tag += self.chance.randint(1, 5)
        return hex(self.tag) if self.maybe(0.05) else self.tag

    def field(self, label=None):
        label = self.label() if label is None else label
        kind = self.kind()
        trailing = self.chance.choice(["", "", "", " // trailing\n", " /*trailing*/\n"])
        return f"{label}{kind} {self.name('f')} = {self.next_tag()}{self.field_options(kind)};{trailing}"

    def map_field(self):
        return f"map<{self.chance.choice(_KEYS)}, {self.kind()}> {self.name('m')} = {self.next_tag()}{self.field_options('')};"

    def field_options(self, kind):
        options = [self.option() for _ in range(self.chance.choice([0, 0, 0, 1, 2]))]
        if self.maybe(0.1):
            options.append(f"json_name = {self.string()}")
        if not self.proto3 and self.maybe(0.2) and kind in SCALARS:
            defaults = {"string": self.string(), "bytes": '"ab"', "bool": "true"}
            options.append(f"default = {defaults.get(kind, '-1')}")
        return f" [{', '.join(options)}]" if options else ""

    def oneof(self):
        parts = [self.field("") for _ in range(self.chance.randint(1, 3))]
        parts += self.some(1, self.option_declaration) if self.maybe(0.2) else []
        return f"oneof {self.name('o')} {{ {' '.join(parts)} }}"

    def group(self):
        tag = self.next_tag()
        return f"{self.label()}group {self.name('G')} = {tag} {{ {' '.join(self.some(3, self.field))} }}"

    def extend(self):
        return f"extend google.protobuf.{self.chance.choice(['FieldOptions', 'MessageOptions'])} {{ {' '.join(self.some(2, self.field))} }}"

    def ranges(self):
        ranges = [self.chance.choice(["5", "9 to 12", "100 to max", "7 to 7"]) for _ in range(self.chance.randint(1, 3))]
        return ", ".join(ranges)

    def reserved(self):
        return f"reserved {self.chance.choice([self.ranges(), chr(34) + self.word() + chr(34), chr(39) + self.word() + chr(39) + ', 3'])};"

    def enumeration(self):
        constants = [f"{self.name('C')} = {number}{self.field_options('')};" for number in range(self.chance.randint(1, 4))]
        constants += self.some(1, self.reserved) + self.some(1, self.option_declaration)
        return f"enum {self.name('E')} {{ {' '.join(constants)} }}"

    def service(self):
        return f"service {self.name('S')} {{ {' '.join(self.some(1, self.option_declaration) + self.some(3, self.rpc))} }}"

    def rpc(self):
        def stream():
            return self.chance.choice(["", "", "stream "]) + self.chance.choice(self.messages)

        end = self.chance.choice([";", "{}", f"{{ {self.option_declaration()} }}", f"{{ {self.option_declaration()} }};"])
        return f"rpc {self.name('R')} ({stream()}) returns ({stream()}){end}"

    def option_declaration(self):
        return f"option {self.option()};"

    def option(self):
        name = self.chance.choice([self.word(), f"({self.word()})", f"(a.{self.word()})", f"({self.word()}).b.c", "deprecated", f"(x).(y.z).{self.word()}"])
        return f"{name} = {self.aggregate(1) if self.plain and self.maybe(0.3) else self.value(0)}"

    def string(self):
        return "'plain'" if self.plain else self.chance.choice(_STRINGS)

    def value(self, depth):
        choice = self.chance.random()
        if choice < 0.6 or depth > 2 or self.plain and depth == 0:
            return self.chance.choice([self.string(), self.chance.choice(_NUMBERS), "true", "false", "ENUM", "inf"])
        if choice < 0.8:
            # A list of an empty list is not normal again when it is normalized, as Confluent's registry has it.
            items = [self.value(depth + 1) for _ in range(self.chance.randint(0 if depth == 0 else 1, 3))]
            return f"[{', '.join(items)}]"
        return self.aggregate(depth + 1)

    def aggregate(self, depth):
        def entry():
            key = self.chance.choice([self.word(), self.word(), f"[a.{self.word()}]"])
            if self.maybe(0.1):
                return f"{key}: {self.value(depth)}"
            return f"{key} {self.aggregate(depth)}" if depth < 3 and self.maybe(0.3) else f"{key}: {self.value(depth)}"

        separator = self.chance.choice([" ", ", ", "; "])
        return f"{{ {separator.join(self.some(3, entry))} }}"

    def damaged(self, text):
        """`text` with a few characters put in, taken out or changed."""
        for _ in range(self.chance.choice([1, 1, 2])):
            at = self.chance.randrange(len(text) + 1)
            length = self.chance.choice([0, 0, 1, 1, 2, 8])
            text = text[:at] + self.chance.choice(_DAMAGE + [""]) + text[at + length:]
        return text
