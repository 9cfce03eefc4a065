"""Prompts of several templates: which one an input has depends on its values."""

from __future__ import annotations

import numpy as np
import pytest

from causalspec.semantics.check import check
from causalspec.semantics.columns import vocabulary
from causalspec.span import Source
from causalspec_runtime.counterfactuals import Population, Split
from causalspec_runtime.counterfactuals.printing import reads_back, texts
from causalspec_runtime.rendering import render

SPEC = """cspec 1
task t {
  input form: "short" | "long"
  input n: int in 0 .. 99
  input word: "red" | "blue"
  prompt match form {
    "short" -> "{n} {word}:"
    "long" -> \"\"\"
      The word is {word}, {'and' as joint} the number {n}.
      Say it:
      \"\"\"
  }
  output answer: "Yes" | "No"
}
model m for t {
  var red: bool = word == "red"
  output answer = if red and n > 50 then "Yes" else "No"
}
lm tiny = embedded("tiny")
align a for m {
  place red on residual(layers = 0, tokens = [word.last, last])
  method boundless_das
}
experiment main {
  lm tiny
  run a
}
"""


def told(old: str, new: str) -> list[str]:
    return [f"{item.code}: {item.message}" for item in check(Source("t", SPEC.replace(old, new, 1)))[1]]


def test_each_input_has_its_own_template_and_spans() -> None:
    """The text by the value; a span's characters are its value in either template."""
    hypothesis, diagnostics = check(Source("t", SPEC))
    assert hypothesis is not None, diagnostics
    task = hypothesis.tasks["t"]
    words = vocabulary([task])
    columns = {
        "form": np.array([words["long"], words["short"]], np.int32),
        "n": np.array([7, 60]),
        "word": np.array([words["red"], words["blue"]], np.int32),
    }
    long, short = render(task, columns, words, ("word",))
    assert long.text == "The word is red, and the number 7.\nSay it:" and short.text == "60 blue:"
    assert [prompt.text[slice(*prompt.spans["word"])] for prompt in (long, short)] == ["red", "blue"]
    assert texts(task, columns, words) == [long.text, short.text]


def test_splits_of_templates_share_no_prompt() -> None:
    """Prompts are known by their texts, whatever the template."""
    hypothesis, _ = check(Source("t", SPEC))
    assert hypothesis is not None
    task = hypothesis.tasks["t"]
    assert not reads_back(task)
    population = Population(task, vocabulary([task]))
    drawn = {
        split: set(texts(task, population.draw(2_000, np.random.default_rng(0), split), population.words))
        for split in Split
    }
    assert all(drawn.values())
    assert not drawn[Split.TRAIN] & drawn[Split.TEST] and not drawn[Split.VALIDATION] & drawn[Split.TEST]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"long" ->', '"lang" ->', 'E0301: these can never be equal: "short" | "long" and "lang"'),
        ('"long" ->', '"short" ->',
         'E0310: this `match` does not say what happens to every value: "long" is left out'),
        ("{n} {word}:", "{word}:", "W0602: one of the templates does not show input `n`"),
        ("[word.last, last]", "[joint.last, last]", "E0502: one of the templates of task `t` has no span `joint`"),
        ("{n} {word}:", "{m} {word}:", "E0201: no value in task `t` named `m`"),
    ],
)  # fmt: skip
def test_a_mistake_in_templates_is_told_once(old: str, new: str, message: str) -> None:
    """At the arm or the place where it is."""
    assert told(old, new) == [message]
