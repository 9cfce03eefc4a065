"""What a file's expressions share: its functions, and operations that bounds alone do not prove to have a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from causalspec.semantics.core import Apply
from causalspec.syntax import ast


@dataclass(slots=True)
class World:
    """Functions by name; `partial` are operations that may have no value, until someone looks for an assignment."""

    functions: Mapping[str, ast.Fn] = field(default_factory=dict)
    partial: list[Apply] = field(default_factory=list)
    called: list[str] = field(default_factory=list)  # functions whose bodies are being written out, outermost first
    wrong: set[str] = field(default_factory=set)  # functions whose bodies were reported as wrong

    def take_partial(self) -> list[Apply]:
        """What was collected since the last time."""
        found, self.partial = self.partial, []
        return found
