"""Types of expressions, with the bounds that decide overflow and domains.

A number is a scaled integer: value = digits / 10**scale, and its type knows the least and largest digits it can have.
Values at run time: `bool`, `int` (the digits), `str`, and tuples of these.
"""

from __future__ import annotations

import math

from causalspec.record import record

SHOWN = 8  # words of a type in a message


@record
class Bool:
    """`bool`."""

    def __str__(self) -> str:
        return "bool"


@record
class Number:
    """`int` (scale 0) or `decimal(scale)`, between `low` and `high` inclusive, both in units of 10**-scale."""

    scale: int
    low: int
    high: int

    def __str__(self) -> str:
        name = "int" if self.scale == 0 else f"decimal({self.scale})"
        return f"{name} in {digits_text(self.low, self.scale)} .. {digits_text(self.high, self.scale)}"


@record
class Words:
    """One of a fixed set of strings."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        shown = self.words if len(self.words) <= SHOWN else self.words[: SHOWN - 2]
        rest = f" | … ({len(self.words)} words)" if len(shown) < len(self.words) else ""
        return " | ".join(f'"{word}"' for word in shown) + rest


@record
class Tuple:
    """A tuple; its value is a tuple of the items' values."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return "(" + ", ".join(str(item) for item in self.items) + ")"


@record
class Unknown:
    """The type of an expression that has been reported as wrong: it agrees with everything."""

    def __str__(self) -> str:
        return "unknown"


Type = Bool | Number | Words | Tuple | Unknown
Value = bool | int | str | tuple["Value", ...]


def unranged(scale: int) -> Number:
    """A number whose range was not written: its lower bound is above its upper one until it is filled in."""
    return Number(scale, 1, 0)


def is_unranged(type_: Number) -> bool:
    """Whether the range is still to be filled in."""
    return type_.low > type_.high


def digits_text(digits: int, scale: int) -> str:
    """`digits_text(250, 2) == "2.50"`: the number in its own format."""
    if scale == 0:
        return str(digits)
    sign = "-" if digits < 0 else ""
    whole, rest = divmod(abs(digits), 10**scale)
    return f"{sign}{whole}.{rest:0{scale}d}"


def value_text(value: Value, type_: Type) -> str:
    """A value as a person would write it in a spec: `2.50`, `"Yes"`, `true`, `(2.50, 7.00)`."""
    if isinstance(type_, Number) and isinstance(value, int):
        return digits_text(value, type_.scale)
    if isinstance(type_, Tuple) and isinstance(value, tuple):
        pairs = zip(value, type_.items, strict=True)
        return "(" + ", ".join(value_text(item, item_type) for item, item_type in pairs) + ")"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def count(type_: Type) -> int:
    """How many values a type has."""
    match type_:
        case Bool():
            return 2
        case Words(words=words):
            return len(words)
        case Number(low=low, high=high):
            return high - low + 1
        case Tuple(items=items):
            return math.prod(map(count, items))
    return 0


def values_of(type_: Type) -> tuple[Value, ...]:
    """Every value of a bool, number or words, in order."""
    match type_:
        case Bool():
            return (False, True)
        case Number(low=low, high=high):
            return tuple(range(low, high + 1))
        case Words(words=words):
            return words
    raise TypeError(f"{type_} is not listed")


def printed(value: Value, type_: Type) -> str:
    """A value as a prompt shows it: words without quotes."""
    return value if isinstance(value, str) else value_text(value, type_)


def family(type_: Type) -> str:
    """The kind of a type in words, for messages."""
    match type_:
        case Bool():
            return "bool"
        case Number(scale=0):
            return "int"
        case Number(scale=scale):
            return f"decimal({scale})"
        case Words(words=(only,)):
            return f'the word "{only}"'
        case Words():
            return f"one of {type_}"
        case Tuple(items=items):
            return "(" + ", ".join(family(item) for item in items) + ")"
        case Unknown():
            return "unknown"
