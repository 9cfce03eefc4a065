"""What a file's expressions share: its functions and tables, and operations that bounds alone do not prove to have a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from causalspec.record import record
from causalspec.semantics.core import Apply
from causalspec.semantics.types import Type, Value
from causalspec.syntax import ast


@record
class Table:
    """A table's columns: their types, and their values row by row; those of `key` are all different."""

    name: str
    key: str
    types: Mapping[str, Type]
    values: Mapping[str, tuple[Value, ...]]


@dataclass(slots=True)
class World:
    """Functions and tables by name; `partial` are operations that may have no value, until someone looks for an assignment."""

    functions: Mapping[str, ast.Fn] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # tables that were reported as wrong
    partial: list[Apply] = field(default_factory=list)
    called: list[str] = field(default_factory=list)  # functions whose bodies are being written out, outermost first
    wrong: set[str] = field(default_factory=set)  # functions whose bodies were reported as wrong

    def take_partial(self) -> list[Apply]:
        """What was collected since the last time."""
        found, self.partial = self.partial, []
        return found
