"""What docs/troubleshooting.md claims of each symptom, read from its text.

A section that begins with the line "Symptom `id`." makes claims in lines of its list:

    - client: `a text that the client's error holds`
    - says: `a text that a gateway that does not start ends with`
    - log: `DEBUG` `pieces of one line` `in this order`
    - metric: `tidegate_a_metric{label="value"}` rises
    - metric: `tidegate_another` is 1
    - command: `tidegate group describe orders` prints `pieces` `in this order`

A text around the pieces is for people.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"

_ID = re.compile(r"^Symptom `([a-z-]+)`\.$")
_CLAIM = re.compile(r"^- (client|says|log|metric|command): (.*)$")
_QUOTED = re.compile(r"`([^`]+)`")
_METRIC = re.compile(r"^`([a-z_]+)(?:\{(.*)\})?` (rises|falls|stays|is above [\d.]+|is [\d.]+|is not served)\b")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Metric:
    """A metric, the sum over all series with these labels, and what becomes of it."""

    name: str
    labels: dict
    claim: str

    def holds(self, before, after):
        """Whether the claim is true of the samples before and after, each name to (labels, value)s."""
        served = self.name in after
        old, new = self._sum(before), self._sum(after)
        verb, _, amount = self.claim.rpartition(" ")
        if self.claim == "is not served":
            return not served
        if self.claim == "rises":
            return new > old
        if self.claim == "falls":
            return new < old
        if self.claim == "stays":
            return new == old
        if verb == "is above":
            return served and new > float(amount)
        return served and new == float(amount)

    def _sum(self, samples):
        wanted = self.labels.items()
        return sum(value for labels, value in samples.get(self.name, []) if wanted <= labels.items())


@dataclass
class Command:
    arguments: list
    pieces: list


@dataclass
class Symptom:
    """One section of the guide."""

    name: str
    client: list = field(default_factory=list)
    log: list = field(default_factory=list)
    metrics: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    def add(self, kind, text):
        pieces = _QUOTED.findall(text)
        assert pieces, f"{self.name}: nothing is quoted in {text!r}"
        if kind in ("client", "says"):
            self.client += pieces
        elif kind == "log":
            self.log.append(pieces)
        elif kind == "command":
            program, *arguments = pieces[0].split()
            assert program == "tidegate" and " prints `" in text, f"{self.name}: {text}"
            self.commands.append(Command(arguments, pieces[1:]))
        else:
            found = _METRIC.match(text)
            assert found, f"{self.name}: a metric's claim that is not understood: {text}"
            name, labels, claim = found.groups()
            self.metrics.append(Metric(name, dict(_LABEL.findall(labels or "")), claim))


def read(text=None):
    """The symptoms of the guide by their ids."""
    symptoms, symptom = {}, None
    for line in (text or GUIDE.read_text()).splitlines():
        if line.startswith("#"):
            symptom = None
        if found := _ID.match(line):
            symptom = Symptom(found.group(1))
            assert symptom.name not in symptoms, f"two sections have the id {symptom.name}"
            symptoms[symptom.name] = symptom
        elif found := _CLAIM.match(line):
            assert symptom, f"a claim outside of a symptom: {line}"
            symptom.add(*found.groups())
    return symptoms


def line_with(pieces, lines):
    """The first of `lines` that has all pieces in their order, or None."""
    pattern = re.compile(".*".join(re.escape(piece) for piece in pieces))
    return next((line for line in lines if pattern.search(line)), None)
