"""The guide and its tests know the same symptoms, and the reader of the guide reads what it should."""

import re
from pathlib import Path

import guide
import pytest

HERE = Path(__file__).resolve().parent


def test_every_symptom_of_the_guide_is_produced_by_a_test_and_no_other():
    source = "\n".join(path.read_text() for path in HERE.glob("test_*.py"))
    produced = re.findall(r"^def test_(\w+)\(symptom", source, re.MULTILINE)
    assert sorted(name.replace("_", "-") for name in produced) == sorted(guide.read())


def test_every_symptom_names_a_log_line_or_what_the_client_is_told_and_a_metric():
    for symptom in guide.read().values():
        assert symptom.log or symptom.client, symptom.name
        assert symptom.metrics, symptom.name


def test_a_claim_that_is_not_understood_is_refused():
    with pytest.raises(AssertionError, match="not understood"):
        guide.read("Symptom `a`.\n- metric: `tidegate_x` grows\n")
    with pytest.raises(AssertionError, match="outside"):
        guide.read("- client: `x`\n")


def test_claims_of_metrics_fail_where_they_are_not_true():
    text = 'Symptom `a`.\n- metric: `x{api="Fetch"}` rises\n- metric: `y` is 1: full\n- metric: `z` is above 0.5\n'
    rises, is_one, above = guide.read(text)["a"].metrics
    before, after = {"x": [({"api": "Fetch"}, 1.0)]}, {"x": [({"api": "Fetch", "error": "NONE"}, 2.0)]}
    assert rises.holds(before, after) and not rises.holds(after, after)
    assert not rises.holds({}, {"x": [({"api": "Produce"}, 2.0)]})
    assert is_one.holds({}, {"y": [({}, 1.0)]}) and not is_one.holds({}, {"y": [({}, 0.0)]})
    assert not is_one.holds({}, {}) and not above.holds({}, {"z": [({}, 0.5)]})


def test_pieces_of_a_log_line_are_looked_for_in_their_order():
    assert guide.line_with(["INFO", "b=2"], ["x", "INFO a=1 b=2"]) == "INFO a=1 b=2"
    assert guide.line_with(["b=2", "INFO"], ["INFO a=1 b=2"]) is None
