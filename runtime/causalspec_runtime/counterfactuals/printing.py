"""How values are printed in a prompt, and whether a prompt's text tells them.

In: columns and types; a task. Out: texts. Invariant: a value is printed in its type's own format; `reads_back` is true
only where different values of the holes always make different prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalspec.semantics.columns import Column, length
from causalspec.semantics.hypothesis import Hole, Task
from causalspec.semantics.types import Bool, Number, Tuple, Type, Words, digits_text
from causalspec_runtime.counterfactuals.faults import evaluated


def printed_column(column: Column, type_: Type, words: Mapping[str, int]) -> list[str]:
    """The values of a column, each in its type's own format."""
    if isinstance(column, tuple):
        parts = zip(column, getattr(type_, "items", ()), strict=True)
        rows = zip(*(printed_column(part, item, words) for part, item in parts), strict=True)
        return ["(" + ", ".join(row) + ")" for row in rows]
    match type_:
        case Words():
            names = list(words)
            return [names[code] for code in column.tolist()]
        case Bool():
            return ["true" if value else "false" for value in column.tolist()]
        case Number(scale=scale):
            return [digits_text(int(value), scale) for value in column.tolist()]
    raise AssertionError(f"a checked task prints no {type_}")


def printed_parts(task: Task, columns: Mapping[str, Column], words: Mapping[str, int]) -> list[list[list[str]]]:
    """The text of every part of every template in every row: [template][part][row]."""
    rows = length(next(iter(columns.values())))

    def text_of(part: str | Hole) -> list[str]:
        if isinstance(part, str):
            return [part] * rows
        return printed_column(evaluated(part.value, columns, words, part.name), part.value.type, words)

    return [[text_of(part) for part in template] for template in task.templates]


def template_of(task: Task, columns: Mapping[str, Column], words: Mapping[str, int]) -> list[int]:
    """Which template each row has."""
    if task.which is None:
        return [0] * length(next(iter(columns.values())))
    column = evaluated(task.which, columns, words, "the prompt")
    assert not isinstance(column, tuple)
    found: list[int] = column.tolist()
    return found


def texts(task: Task, columns: Mapping[str, Column], words: Mapping[str, int]) -> list[str]:
    """One prompt a row."""
    whole = [["".join(row) for row in zip(*parts, strict=True)] for parts in printed_parts(task, columns, words)]
    return [whole[template][row] for row, template in enumerate(template_of(task, columns, words))]


def reads_back(task: Task) -> bool:
    """Whether the values of the holes can be read from the prompt, hole by hole, by a simple rule.

    A hole can be read where it is of fixed length, or ends the prompt, or is followed by a character that no value of
    it has.
    """
    if task.others:
        return False
    parts = [part for part in task.prompt if part]
    for index, part in enumerate(parts):
        if isinstance(part, str):
            continue
        characters = _characters(part.value.type)
        if characters is None:
            return False
        if index + 1 < len(parts) and not _fixed(part.value.type):
            following = parts[index + 1]
            if isinstance(following, Hole) or following[:1] in characters:
                return False
    return True


def _characters(type_: Type) -> frozenset[str] | None:
    """What the printed values are made of; None where different tuples may look the same."""
    match type_:
        case Number():
            return frozenset("0123456789.-")
        case Bool():
            return frozenset("truefals")
        case Words(words=words):
            return frozenset("".join(words))
        case Tuple(items=items):
            parts = [_characters(item) for item in items]
            if any(part is None or "," in part for part in parts):
                return None
            return frozenset("(, )").union(*(part for part in parts if part is not None))
    return None


def _fixed(type_: Type) -> bool:
    lengths: Sequence[int]
    match type_:
        case Number(scale=scale, low=low, high=high):
            lengths = (len(digits_text(low, scale)), len(digits_text(high, scale))) if low >= 0 else (0, 1)
        case Words(words=words):
            lengths = [len(word) for word in words]
        case _:
            return False
    return len(set(lengths)) == 1
