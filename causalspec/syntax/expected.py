"""Say in words what may stand at a place of the grammar, never in names of terminals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "declaration": ("task", "model", "variant", "lm", "align", "experiment", "claim"),
    "task_item": ("input", "let", "require", "prompt", "output"),
    "model_item": ("var", "output", "example", "let"),
    "align_item": ("place", "method"),
    "experiment_item": ("lm", "run", "tuples", "seeds", "control", "transfer", "training"),
}

ITEMS: Mapping[str, str] = {
    "task": "a task",
    "variant": "a variant",
    "model": "a model",
    "lm": "an LM",
    "align": "an alignment",
    "experiment": "an experiment",
    "claim": "a claim",
    "input": "an input",
    "let": "a let",
    "require": "a condition",
    "prompt": "a prompt",
    "output": "an output",
    "var": "a variable",
    "example": "an example",
    "place": "a placement",
    "method": "a method",
    "run": "the list of alignments",
    "tuples": "the numbers of tuples",
    "seeds": "the seeds",
    "control": "the controls",
    "transfer": "the list of variants",
    "training": "the training settings",
}

_VALUE = frozenset({"NAME", "NUMBER", "STRING", "LPAR", "MINUS", "TRUE", "FALSE"})
_OPERATORS = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT"})
_COMPARISONS = frozenset({"LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "UNEQUAL"})
_MARKS: Mapping[str, str] = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a string", "LONG_STRING": "a docstring",
    "COLON": "`:`", "COMMA": "`,`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "LBRACE": "`{`",
    "RBRACE": "`}`", "VBAR": "`|`", "MEMBER": "`.` and a part", "_NL": "a new line", "$END": "the end",
}  # fmt: skip
_SYMBOLS: Mapping[str, str] = {"__ANON_0": "`->`", "__ANON_1": "`..`"}


def in_words(expected: Iterable[str]) -> str:
    """`expected a value, or `)``; empty where nothing useful can be said."""
    rest = set(expected)
    said: list[str] = []
    if rest >= _VALUE:
        said.append("a value")
        rest -= _VALUE | {"LSQB", "LBRACE", "IF", "NOT"}
    if rest & _COMPARISONS:
        rest -= _COMPARISONS | {"IN"}
        said.append("a comparison")
    if rest >= _OPERATORS:
        rest -= _OPERATORS | {"MEMBER", "LSQB", "AND", "OR"}
        said.append("an operator")
    for name in sorted(rest):
        said.append(_MARKS.get(name) or _SYMBOLS.get(name) or f"`{name.lower()}`")
    if not said:
        return ""
    return "expected " + (said[0] if len(said) == 1 else ", ".join(said[:-1]) + " or " + said[-1])
