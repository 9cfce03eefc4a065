"""Whether two expressions are the same by their text, with lets and variables written out.

In: core expressions, a task, a model, which variables are held. Out: numbers, equal only for expressions that have
equal values wherever both have one.
Invariant: costs no more than the length of the text, however often names stand for one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from causalspec.semantics.core import Apply, Constant, Core, Operation, Reference
from causalspec.semantics.hypothesis import Model, Task

COMMUTATIVE = (
    Operation.ADD, Operation.MULTIPLY, Operation.MIN, Operation.MAX, Operation.EQUAL, Operation.AND, Operation.OR,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Texts:
    """Numbers expressions of one task; sums and conjunctions in another order have the same number."""

    task: Task
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def variable(self, model: Model, name: str) -> int:
        """A variable without an intervention."""
        return self._names(model, {})[name]

    def output(self, model: Model, origins: Mapping[str, int]) -> int:
        """The output with each variable of `origins` held at its value on that source."""
        return self._of(model.output, self._names(model, origins))

    def _names(self, model: Model, origins: Mapping[str, int]) -> dict[str, int]:
        names = {item.name: self._number("input", item.name) for item in self.task.inputs}
        for let in self.task.lets:
            names[let.name] = self._of(let.value, names)
        plain = dict(names)
        for variable in model.variables:
            plain[variable.name] = self._of(variable.mechanism, plain)
            held = origins.get(variable.name)
            if held is None:
                names[variable.name] = self._of(variable.mechanism, names)
            else:
                names[variable.name] = self._number("source", held, plain[variable.name])
        return names

    def _of(self, core: Core, names: Mapping[str, int]) -> int:
        match core:
            case Constant(value=value):
                return self._number("constant", repr(value))
            case Reference(name=name):
                return names[name]
            case Apply(operation=operation, arguments=arguments, parameter=parameter):
                parts = [self._of(item, names) for item in arguments]
                if operation in COMMUTATIVE:
                    parts.sort()
                return self._number(operation, parameter, *parts)

    def _number(self, *node: object) -> int:
        return self._numbers.setdefault(node, len(self._numbers))
