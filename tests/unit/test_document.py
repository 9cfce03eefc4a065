"""A checked hypothesis as JSON, for tools that do not read the language."""

from __future__ import annotations

import json
from typing import Any

import pytest

from causalspec.document import as_data
from causalspec.semantics.check import check
from causalspec.span import Source
from tests._schema import mistakes
from tests.conftest import ROOT, Call

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"


@pytest.fixture(scope="module")
def shown(call: Call) -> dict[str, Any]:
    """What `show` prints of the running example."""
    ran = call("show", "--json", EXAMPLE)
    assert (ran.returncode, ran.stderr) == (0, "")
    data: dict[str, Any] = json.loads(ran.stdout)
    return data


def test_the_example_fits_the_schema(shown: dict[str, Any]) -> None:
    """grammars/hypothesis.schema.json, in which every key of the document is described."""
    schema = json.loads((ROOT / "grammars" / "hypothesis.schema.json").read_text(encoding="utf-8"))
    assert mistakes(shown, schema) == []
    strict = json.loads(json.dumps(schema), object_hook=_closed)
    assert mistakes(shown, strict) == []
    for key in schema["required"]:
        assert mistakes({name: value for name, value in shown.items() if name != key}, schema) == [f"$: lacks {key}"]


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes no key it does not describe."""
    described = isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema
    return schema | {"additionalProperties": False} if described else schema


def test_a_task_has_its_inputs_with_domains_its_prompt_and_output(shown: dict[str, Any]) -> None:
    """Bounds as written and, exact, as computed; the prompt in pieces."""
    (task,) = shown["tasks"]
    width, lower, price = task["inputs"]
    assert (lower["low"], lower["high"]) == ("0.05", "9.95 - width")
    assert width["type"] == {
        "kind": "number", "text": "decimal(2) in 2.50 .. 7.50", "places": 2, "low": "2.50", "high": "7.50",
    }  # fmt: skip
    assert price["name"] == "price" and task["lets"][0]["value"] == "lower + width"
    assert [part["hole"] for part in task["prompt"] if "hole" in part] == ["lower", "upper", "price"]
    assert task["output"] == {"name": "answer", "words": ["Yes", "No"]}


def test_a_model_has_its_variables_with_mechanisms_and_parents(shown: dict[str, Any]) -> None:
    """In causal order, the output apart."""
    model = next(item for item in shown["models"] if item["name"] == "both_boundaries")
    above, below = model["variables"]
    assert (above["mechanism"], above["parents"]) == ("price >= lower", ["lower", "price"])
    assert below["parents"] == ["price", "upper"] and above["type"] == {"kind": "bool", "text": "bool"}
    assert model["output"]["mechanism"] == 'if above and below then "Yes" else "No"'
    assert sorted(model["output"]["parents"]) == ["above", "below"]


def test_every_name_refers_to_something_in_the_document(shown: dict[str, Any]) -> None:
    """Models to tasks, alignments to models, experiments to LMs, alignments and variants, scores to alignments."""
    names = {
        kind: {item["name"] for item in shown[kind]} for kind in ("tasks", "models", "lms", "alignments", "variants")
    }
    assert all(item["task"] in names["tasks"] for item in shown["models"])
    assert all(item["model"] in names["models"] for item in shown["alignments"])
    for item in shown["experiments"]:
        assert item["lm"] in names["lms"] and set(item["alignments"]) <= names["alignments"]
        assert set(item["transfer"]) <= names["variants"]
    scores = [score for claim in shown["claims"] for score in claim["scores"]]
    assert scores and all(score["alignment"] in names["alignments"] for score in scores)


def test_an_expression_is_its_text_on_one_line() -> None:
    """Comments and line ends go, parentheses and the blanks inside of texts stay."""
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "var below: bool = price <= upper\n  output answer = if above and below then",
        "var below: bool = (price <= upper  # both\n or price < 0.00) and true\n  output answer = if above and below\n then",
    )
    hypothesis, diagnostics = check(Source("x", text))
    assert hypothesis is not None, diagnostics
    data: dict[str, Any] = json.loads(json.dumps(as_data(hypothesis)))
    model = next(item for item in data["models"] if item["name"] == "both_boundaries")
    assert model["variables"][1]["mechanism"] == "(price <= upper or price < 0.00) and true"
    assert model["output"]["mechanism"] == 'if above and below then "Yes" else "No"'


def test_tuples_are_nested_types() -> None:
    """A pair of decimals has two items."""
    text = EXAMPLE.read_text(encoding="utf-8")
    hypothesis, _ = check(Source("x", text))
    assert hypothesis is not None
    data: dict[str, Any] = json.loads(json.dumps(as_data(hypothesis)))
    (variable,) = next(item for item in data["models"] if item["name"] == "bracket_identity")["variables"]
    assert (
        variable["type"]["kind"] == "tuple" and [item["kind"] for item in variable["type"]["items"]] == ["number"] * 2
    )


def test_a_wrong_spec_has_no_document(call: Call) -> None:
    """Its mistakes go to standard error: status 1; an unreadable file is status 2."""
    ran = call("show", "--json", ROOT / "tests" / "bad" / "cycle_of_two.cspec")
    assert (ran.returncode, ran.stdout) == (1, "") and "error[E0401]" in ran.stderr
    assert call("show", "nowhere.cspec").returncode == 2
