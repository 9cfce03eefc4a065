"""Draw assignments of a task's inputs, exactly from the stated density.

In: a checked `Task`. Out: columns of inputs and lets, or `SpecError`.
Invariant: density ∝ Π 1/|domain_i given earlier inputs| × [require] (meaning.md, Data). Inputs that no domain or
condition links are independent components, drawn apart. A component without a condition is drawn in order; one with
conditions from the list of its points where they are few, else by rejection, which is exact. Both draw or list an input
only where its linear conditions leave values, and rejection then takes a draw with the odds (values left) / (values),
so that equalities and thin sets are met at once and the density stays as stated. Both have bounds, so that drawing
ends. An input whose domain is empty for reachable earlier values is an error: the density is not defined there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from causalspec.diagnostics import Diagnostic
from causalspec.semantics.columns import Array, Column, joined, length, take
from causalspec.semantics.core import Core, references
from causalspec.semantics.domains import substituted
from causalspec.semantics.hypothesis import Input, Task
from causalspec.semantics.types import Number
from causalspec_runtime.counterfactuals import domains
from causalspec_runtime.counterfactuals.faults import Words, evaluated
from causalspec_runtime.counterfactuals.linear import Linear
from causalspec_runtime.errors import SpecError

Columns = dict[str, Column]
MOST_POINTS = 10**7  # of a component that is listed
MOST_DRAWS = 10**7  # by rejection, for one call
SMALL = 100_000  # points that are always listed
RARE = 1e-3  # acceptance under which a component is listed if it can be
FIRST_BATCH = 4_096
ODDS, WEIGHT = "# odds", "# weight"  # columns beside those of inputs


@dataclass(frozen=True, slots=True)
class Component:
    """Inputs in the task's order, with the conditions on them."""

    inputs: tuple[Input, ...]
    requires: tuple[Core, ...]
    linear: Linear = field(compare=False)

    def most(self, item: Input) -> float:
        """The largest share of an input's values that its conditions ever leave, or more."""
        if item.low is None or item.high is None:
            return 1.0
        before = [other.name for other in self.inputs[: self.inputs.index(item)]]
        return min(self.linear.widest(item.name, before) / self.linear.fewest(item.low, item.high), 1.0)


@dataclass(frozen=True, slots=True)
class Points:
    """Every assignment of some inputs that meets their conditions, with its density (adding up to 1)."""

    columns: Columns
    weights: Array
    ends: Array  # running sums of the weights

    def draw(self, count: int, rng: np.random.Generator) -> Columns:
        rows = np.minimum(np.searchsorted(self.ends, rng.random(count), side="right"), len(self.ends) - 1)
        return {name: take(column, rows) for name, column in self.columns.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """Draws assignments of one task. `words` gives the codes of words, see `columns.vocabulary`."""

    task: Task
    words: Words
    components: tuple[Component, ...] = field(init=False)
    _listed: dict[Component, Points | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", components(self.task))

    def draw(self, count: int, rng: np.random.Generator) -> Columns:
        """`count` independent assignments: a column for each input and let.

        Raises SpecError: E0601, E0603, E0604, or E0606 of a let.
        """
        drawn: Columns = {}
        for component in self.components:
            drawn |= self._draw(component, count, rng)
        return self.with_lets({item.name: drawn[item.name] for item in self.task.inputs})

    def listed(self, most: int = MOST_POINTS) -> Points | None:
        """Every assignment of the whole task, lets included; None where there are more than `most`."""
        whole = _component(self.task, self.task.inputs, self.task.requires)
        points = self._list(whole, most)
        return points and Points(self.with_lets(points.columns), points.weights, points.ends)

    def with_lets(self, inputs: Mapping[str, Column]) -> Columns:
        """The inputs' columns and those of the task's lets."""
        return self._with(inputs, [let.name for let in self.task.lets])

    def _draw(self, component: Component, count: int, rng: np.random.Generator) -> Columns:
        if not component.requires:
            return self._attempt(component, count, rng)
        points = self._points(component, SMALL)
        return points.draw(count, rng) if points else self._reject(component, count, rng)

    def _reject(self, component: Component, count: int, rng: np.random.Generator) -> Columns:
        found: list[Columns] = []
        accepted = tried = 0
        batch = FIRST_BATCH
        while accepted < count and tried < MOST_DRAWS:
            found.append(self._attempt(component, batch, rng))
            accepted, tried = accepted + _rows(found[-1]), tried + batch
            if accepted < RARE * tried:
                points = self._points(component, MOST_POINTS)
                if points is not None:
                    return points.draw(count, rng)
            wanted = (count - accepted) * tried / max(accepted, 1)
            batch = int(min(max(1.1 * wanted, FIRST_BATCH), MOST_DRAWS // 10))
        if accepted < count:
            raise SpecError(_too_rare(component, accepted, tried))
        return {item.name: joined([part[item.name] for part in found])[:count] for item in component.inputs}

    def _attempt(self, component: Component, count: int, rng: np.random.Generator) -> Columns:
        """Draws in order; those that fail a condition are dropped as soon as it can be read."""
        columns: Columns = {ODDS: np.ones(count)}
        open_requires = component.requires
        for item in component.inputs:
            columns, low, left, sizes = self._room(component, item, columns)
            columns[item.name] = domains.drawn(item, low, left, len(left), self.words, rng)
            if component.requires:
                columns[ODDS] = np.asarray(columns[ODDS]) * (left / sizes).astype(np.float64) / component.most(item)
            columns, open_requires = self._meeting(columns, open_requires)
        odds = np.asarray(columns.pop(ODDS))
        if (odds == 1).all():
            return columns
        taken = rng.random(len(odds)) < odds
        return {name: take(column, taken) for name, column in columns.items()}

    def _room(self, component: Component, item: Input, columns: Columns) -> tuple[Columns, Array, Array, Array]:
        """The rows in which an input has values left: the least, how many, and how many its domain has."""
        low, sizes = domains.bounds(item, columns, _rows(columns), self.words)
        low, left = component.linear.narrowed(item.name, columns, low, sizes)
        some = left > 0
        if some.all():
            return dict(columns), low, left, sizes
        return {name: take(column, some) for name, column in columns.items()}, low[some], left[some], sizes[some]

    def _points(self, component: Component, most: int) -> Points | None:
        """The component's points if they are at most `most`; kept once found. Raises SpecError (E0601)."""
        if component not in self._listed:
            points = self._list(component, most)
            if points is None and most < MOST_POINTS:
                return None
            self._listed[component] = points
        return self._listed[component]

    def _list(self, component: Component, most: int) -> Points | None:
        columns: Columns = {WEIGHT: np.ones(1)}
        open_requires = component.requires
        for item in component.inputs:
            columns, low, left, sizes = self._room(component, item, columns)
            if sum(left.tolist()) > most:
                return None
            left = left.astype(np.int64)
            parents = np.repeat(np.arange(len(left)), left)
            offsets = np.arange(len(parents)) - np.repeat(np.cumsum(left) - left, left)
            columns = {name: take(column, parents) for name, column in columns.items()}
            columns[item.name] = domains.chosen(item, low[parents], offsets, self.words)
            columns[WEIGHT] = np.asarray(columns[WEIGHT]) / sizes[parents].astype(np.float64)
            columns, open_requires = self._meeting(columns, open_requires)
        weights = np.asarray(columns.pop(WEIGHT))
        if not len(weights):
            for count in range(1, len(component.requires)):
                self._list(_component(self.task, component.inputs, component.requires[:count]), most)
            raise SpecError(_unsatisfiable(component))
        ends = np.cumsum(weights)
        return Points(columns, weights / ends[-1], ends / ends[-1])

    def _meeting(self, columns: Columns, requires: tuple[Core, ...]) -> tuple[Columns, tuple[Core, ...]]:
        """The rows that meet every condition that can be read already, and the conditions left (or not reached)."""
        left: list[Core] = []
        for require in requires:
            if not (_rows(columns) and inputs_of(self.task, references(require)) <= columns.keys()):
                left.append(require)
                continue
            environment = self._with(columns, references(require))
            keep = evaluated(require, environment, self.words, "the condition")
            assert not isinstance(keep, tuple)
            columns = {name: take(column, keep) for name, column in columns.items()}
        return columns, tuple(left)

    def _with(self, columns: Mapping[str, Column], names: Iterable[str]) -> Columns:
        """The columns and the lets among `names`, with the lets that those read."""
        wanted = set(names)
        lets = []
        for let in reversed(self.task.lets):
            if let.name in wanted:
                lets.append(let)
                wanted.update(references(let.value))
        found = dict(columns)
        for let in reversed(lets):
            found[let.name] = evaluated(let.value, found, self.words, let.name)
        return found


def inputs_of(task: Task, names: Iterable[str]) -> set[str]:
    """The inputs behind names of inputs and lets."""
    wanted = set(names)
    for let in reversed(task.lets):
        if let.name in wanted:
            wanted.update(references(let.value))
    return wanted & {item.name for item in task.inputs}


def components(task: Task) -> tuple[Component, ...]:
    """Inputs linked by a domain that depends on an earlier one, or by a condition."""
    groups: list[set[str]] = []
    links = [{item.name} | inputs_of(task, _domain_names(item)) for item in task.inputs]
    links += [inputs_of(task, references(require)) or {task.inputs[0].name} for require in task.requires]
    for link in links:
        met = [group for group in groups if group & link]
        groups = [group for group in groups if not group & link] + [link.union(*met)]

    def of(group: set[str]) -> Component:
        requires = [
            require
            for require in task.requires
            if (inputs_of(task, references(require)) or {task.inputs[0].name}) <= group
        ]
        return _component(task, tuple(item for item in task.inputs if item.name in group), tuple(requires))

    order = [item.name for item in task.inputs]
    return tuple(of(group) for group in sorted(groups, key=lambda group: min(map(order.index, group))))


def _component(task: Task, inputs: tuple[Input, ...], requires: tuple[Core, ...]) -> Component:
    lets = {let.name: let.value for let in task.lets}
    types = {item.name: item.type for item in inputs if isinstance(item.type, Number)}
    return Component(
        inputs,
        requires,
        Linear.of([found for item in requires if (found := substituted(item, lets)) is not None], types),
    )


def _domain_names(item: Input) -> list[str]:
    return [name for bound in (item.low, item.high) if bound is not None for name in references(bound)]


def _rows(columns: Columns) -> int:
    return length(next(iter(columns.values())))


def _names(component: Component) -> str:
    return ", ".join(f"`{item.name}`" for item in component.inputs)


def _unsatisfiable(component: Component) -> Diagnostic:
    """Of a component whose last condition leaves nothing."""
    return Diagnostic(
        "E0601",
        f"no value of {_names(component)} can meet this `require`",
        component.requires[-1].span,
        "false for every assignment" + (" that meets those before it" if len(component.requires) > 1 else ""),
        help="widen an input's domain, or change the condition",
    )


def _too_rare(component: Component, accepted: int, tried: int) -> Diagnostic:
    return Diagnostic(
        "E0604",
        f"the conditions on {_names(component)} are met too rarely to draw from",
        component.requires[0].span,
        f"met by {accepted:,} of {tried:,} draws",
        notes=(f"they have more than {MOST_POINTS:,} assignments, too many to list",),
        help="give the inputs narrower domains, or make one depend on another instead of a condition",
    )
