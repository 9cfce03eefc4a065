"""Check a spec: text in, `Hypothesis` and diagnostics out.

Invariant: never raises on user input; every mistake of the file is told in one go; no hypothesis without a clean file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from causalspec.diagnostics import Diagnostic, Fix, Label, Report, Severity
from causalspec.semantics.alignments import check_alignment, check_lm
from causalspec.semantics.arithmetic import same_family
from causalspec.semantics.claim_check import ClaimChecker
from causalspec.semantics.core import Constant
from causalspec.semantics.experiments import Known, check_experiment
from causalspec.semantics.expressions import FUNCTIONS, a, report_unknown
from causalspec.semantics.hypothesis import (
    Alignment,
    Claim,
    Experiment,
    Hypothesis,
    LanguageModel,
    Model,
    Task,
    Variant,
)
from causalspec.semantics.models import CheckedModel, check_model, warn_disagreements
from causalspec.semantics.tasks import CheckedTask, check_task, free_names, is_broken, replaced, same_words
from causalspec.semantics.types import Number, Type, Unknown, family
from causalspec.semantics.world import World
from causalspec.span import Source, Span
from causalspec.syntax import ast
from causalspec.syntax.parse import parse

EDITION = 1
RENAMED = ("E0307", "E0309")  # a model that says the task's words does not fit a variant that renames them
Named = ast.Table | ast.Fn | ast.Task | ast.Variant | ast.Model | ast.Lm | ast.Align | ast.Experiment
_Declared = TypeVar(
    "_Declared", ast.Table, ast.Fn, ast.Task, ast.Variant, ast.Model, ast.Lm, ast.Align, ast.Experiment, ast.Claim
)
_WORDS = {
    ast.Table: "table",
    ast.Fn: "function",
    ast.Task: "task",
    ast.Variant: "variant",
    ast.Model: "model",
    ast.Lm: "LM",
    ast.Align: "alignment",
    ast.Experiment: "experiment",
}


def check(source: Source) -> tuple[Hypothesis | None, tuple[Diagnostic, ...]]:
    """The hypothesis a text states, or None with at least one error; the diagnostics in the order of the text."""
    report = Report(source)
    spec = parse(source, report)
    checker = _Checker(report, spec)
    checker.run()
    hypothesis = None if report.failed else checker.hypothesis()
    diagnostics = report.sorted()
    if "allow" in source.text:
        from causalspec.allows import allowed

        diagnostics = allowed(source, diagnostics)
    return hypothesis, diagnostics


@dataclass(slots=True)
class _Checker:
    report: Report
    spec: ast.Spec
    world: World = field(default_factory=World)
    files: dict[str, str] = field(default_factory=dict)  # that the spec names, by path
    tasks: dict[str, CheckedTask] = field(default_factory=dict)
    models: dict[str, CheckedModel] = field(default_factory=dict)
    lms: dict[str, LanguageModel] = field(default_factory=dict)
    alignments: dict[str, Alignment] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    experiments: dict[str, Experiment] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)  # names that were told as unknown

    def run(self) -> None:
        self._edition()
        self._unique_names()
        self._functions()
        for task in self._all(ast.Task):
            self.tasks.setdefault(task.name.text, check_task(task, task.items, self.report, self.world))
        self._models()
        self._variants()
        for lm in self._all(ast.Lm):
            found = check_lm(lm, self.report)
            if found is not None:
                self.lms.setdefault(lm.name.text, found)
        for align in self._all(ast.Align):
            self._alignment(align)
        self._experiments()
        self._claims()

    def _all(self, kind: type[_Declared]) -> Iterator[_Declared]:
        return (item for item in self.spec.declarations if isinstance(item, kind))

    def _names(self, kind: type[Named]) -> set[str]:
        return {item.name.text for item in self.spec.declarations if isinstance(item, kind) and isinstance(item, Named)}

    def _broken(self) -> set[str]:
        """Names whose declarations have a syntax error."""
        return {
            item.name.text for item in self.spec.declarations if isinstance(item, ast.Broken) and item.name is not None
        }

    def _edition(self) -> None:
        edition = self.spec.edition
        if edition is None:
            start = Span(0, 0)
            self.report.add("W0101", "the file does not say its edition of the language", start,
                            help=f"begin it with `cspec {EDITION}`", fix=Fix(start, f"cspec {EDITION}\n"))  # fmt: skip
        elif edition.digits != EDITION or edition.scale:
            self.report.add("E0207", "this edition of the language is not known", edition.span,
                            f"this causalspec reads edition {EDITION}")  # fmt: skip

    def _unique_names(self) -> None:
        seen: dict[str, ast.Name] = {}
        titles: dict[str, Span] = {}
        for item in self.spec.declarations:
            if isinstance(item, ast.Broken):
                continue
            if isinstance(item, ast.Claim):
                if item.title.value in titles:
                    self.report.add("E0202", f'two claims are titled "{item.title.value}"', item.title.span)
                titles.setdefault(item.title.value, item.title.span)
                continue
            if item.name.text in seen:
                self.report.add("E0202", f"`{item.name.text}` is declared twice", item.name.span, "again here",
                                labels=(Label(seen[item.name.text].span, "first here"),))  # fmt: skip
            seen.setdefault(item.name.text, item.name)

    def _known(self, name: ast.Name, kind: type[Named]) -> bool:
        """Whether a declaration of that kind exists; else told, with what the name is instead."""
        if name.text in self._names(kind):
            return True
        if name.text in self._broken() or name.text in self.unknown:
            return False
        for item in self.spec.declarations:
            if not isinstance(item, ast.Claim | ast.Broken) and item.name.text == name.text:
                self.report.add("E0203", f"`{name.text}` is not {a(_WORDS[kind])}", name.span,
                                f"it is {a(_WORDS[type(item)])}")  # fmt: skip
                return False
        self.unknown.add(name.text)
        report_unknown(self.report, name, _WORDS[kind], self._names(kind))
        return False

    def _functions(self) -> None:
        """A function's body reads its parameters only; what it computes is checked where it is called."""
        self.world = World({item.name.text: item for item in self._all(ast.Fn)})
        written = list(self._all(ast.Table))
        if written:
            from causalspec.semantics.tables import read_tables

            self.files = read_tables(written, self.report.source, self.world, self.report)
        for function in self.world.functions.values():
            known = {parameter.text: parameter for parameter in function.parameters}
            tables = {*self.world.tables, *self.world.doubtful}
            if len(known) < len(function.parameters):
                self.report.add("E0202", f"`{function.name.text}` has two parameters of one name", function.name.span)
            if function.name.text in FUNCTIONS:
                self.report.add("E0202", f"`{function.name.text}` is a function of the language", function.name.span,
                                "choose another name")  # fmt: skip
            for name in free_names(function.value):
                if name.text not in known and name.text not in tables:
                    known[name.text] = name
                    self.world.wrong.add(function.name.text)
                    report_unknown(self.report, name, f"parameter of `{function.name.text}`", list(known)[:-1])

    def _models(self) -> None:
        by_task: dict[str, list[Model]] = {}
        for written in self._all(ast.Model):
            if self._known(written.task, ast.Task) and written.task.text in self.tasks:
                checked = check_model(written, self.tasks[written.task.text], self.report)
                self.models.setdefault(checked.model.name, checked)
                if checked.sound:
                    by_task.setdefault(checked.model.task, []).append(checked.model)
        for task, models in by_task.items():
            warn_disagreements(models, self.tasks[task], self.report)

    def _variants(self) -> None:
        written_tasks = {item.name.text: item for item in self._all(ast.Task)}
        for variant in self._all(ast.Variant):
            if not self._known(variant.task, ast.Task) or variant.task.text not in self.tasks:
                continue
            base = self.tasks[variant.task.text]
            quiet = Report(self.report.source)
            told = {name: core for name, core in base.scope.items() if isinstance(core, Constant)}
            items = replaced(written_tasks[variant.task.text], variant, told.keys(), self.report)
            checked = check_task(variant, items, quiet, self.world, told)
            self._same_types(base.task, checked.task)
            models = [
                check_model(written, checked, quiet).model
                for written in self._all(ast.Model)
                if written.task.text == variant.task.text and checked.sound and self.models[written.name.text].sound
            ]
            self._adopt(variant, base, quiet)
            found = Variant(variant.name.text, checked.task, base.task.name, {model.name: model for model in models})
            self.variants.setdefault(found.name, found)

    def _same_types(self, base: Task, variant: Task) -> None:
        same_words(base.output, variant.output, self.report)
        known = {item.name: item.type for item in base.inputs}
        for new in variant.inputs:
            old = known.get(new.name, Unknown())
            if not _alike(old, new.type):
                self.report.add("E0206", f"`{new.name}` is {family(old)} in the task", new.span,
                                f"here it is {family(new.type)}")  # fmt: skip

    def _adopt(self, variant: ast.Variant, base: CheckedTask, quiet: Report) -> None:
        """Mistakes of a variant: its own where they are, those it causes in the task or a model at its name.

        A model may keep the task's words where the variant renames them, one for one; what was told of the task is not
        told again, nor what an unsound task lacks.
        """
        known = {(item.code, item.span) for item in self.report.items}
        for item in quiet.items:
            place = item.span or variant.name.span
            own = _within(place, variant.span)
            if not base.sound and (not own or place == variant.name.span or item.severity is Severity.WARNING):
                continue
            if own:
                self.report.items.append(item)
            elif item.severity is Severity.ERROR and item.code not in RENAMED and (item.code, item.span) not in known:
                message = f"with variant `{variant.name.text}`: {item.message}"
                self.report.add(item.code, message, variant.name.span, item.label,
                                labels=(Label(place, "here"),), help=item.help)  # fmt: skip

    def _alignment(self, written: ast.Align) -> None:
        if self._known(written.model, ast.Model) and written.model.text in self.models:
            checked = self.models[written.model.text]
            found = check_alignment(written, checked, self.tasks[checked.model.task].task, self.report)
            self.alignments.setdefault(written.name.text, found)

    def _experiments(self) -> None:
        task_of = {name: self.models[item.model].model.task for name, item in self.alignments.items()}
        known = Known(tuple(self.lms), self.alignments, self.variants, task_of)
        broken = {
            item.name.text
            for item in self.spec.declarations
            if isinstance(item, ast.Lm | ast.Align | ast.Variant)
            and item.name.text not in {*self.lms, *self.alignments, *self.variants}
        } | self._broken()
        for written in self._all(ast.Experiment):
            found = check_experiment(_without(written, broken), known, self.report)
            if found is not None:
                self.experiments.setdefault(found.name, found)

    def _doubtful(self) -> set[str]:
        """Names whose declarations hold an error, or an alignment's whose model does; what rests on them may be right.

        So are names that an experiment runs or transfers to and nobody declares: they were told there.
        """
        wrong = [item.span for item in self.report.items if item.span and item.severity is Severity.ERROR]
        named = [item for item in self.spec.declarations if isinstance(item, Named)]
        found = {item.name.text for item in named if any(_within(span, item.span) for span in wrong)} | self._broken()
        for experiment in self._all(ast.Experiment):
            settings = [item for item in experiment.items if isinstance(item, ast.Setting)]
            listed = [
                value.value for item in settings for value in item.values if item.keyword.text in ("run", "transfer")
            ]
            found |= {name.text for name in listed if isinstance(name, ast.Name)} - {*self.alignments, *self.variants}
        on_task = [item for item in named if isinstance(item, ast.Model | ast.Variant)]
        found |= {item.name.text for item in on_task if item.task.text in found}
        return found | {item.name.text for item in self._all(ast.Align) if item.model.text in found}

    def _claims(self) -> None:
        doubtful = self._doubtful()
        whole = (
            not is_broken(self.spec.declarations, "experiment")
            and self._names(ast.Experiment) <= self.experiments.keys() - doubtful
        )
        checker = ClaimChecker(
            self.alignments, tuple(self.variants), self.experiments if whole else None, doubtful, self.report
        )
        claims = list(self._all(ast.Claim))
        if claims and whole and not self.experiments:
            self.report.add("E0703", "the file has claims but no experiment", claims[0].title.span,
                            help="for example `experiment main { … }` with `lm tiny` and `run left`")  # fmt: skip
        for written in claims:
            claim = checker.check(written)
            if claim is not None:
                self.claims.append(claim)

    def hypothesis(self) -> Hypothesis:
        return Hypothesis(
            self.report.source,
            {name: checked.task for name, checked in self.tasks.items()},
            {name: checked.model for name, checked in self.models.items()},
            self.lms,
            self.alignments,
            self.variants,
            self.experiments,
            tuple(self.claims),
            self.files,
        )


def _alike(old: Type, new: Type) -> bool:
    """Whether a variant's input can stand for the task's: the same kind, numbers at the same scale."""
    same_scale = not isinstance(old, Number) or not isinstance(new, Number) or old.scale == new.scale
    return same_family(old, new) and same_scale


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _without(written: ast.Experiment, broken: set[str]) -> ast.Experiment:
    """The experiment without names whose declarations were already reported as wrong."""
    from dataclasses import replace

    def keep(argument: ast.Argument) -> bool:
        return not (isinstance(argument.value, ast.Name) and argument.value.text in broken)

    items = tuple(
        replace(item, values=tuple(filter(keep, item.values))) if isinstance(item, ast.Setting) else item
        for item in written.items
    )
    return replace(written, items=items)
