"""Check where variables might live: LMs, placements, sites, methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalspec import planned
from causalspec.diagnostics import Fix, Label, Report
from causalspec.semantics.expressions import nearest, report_unknown, unquoted, without_quotes
from causalspec.semantics.hypothesis import (
    Alignment,
    Hole,
    LanguageModel,
    LayerRange,
    LmKind,
    Placement,
    Task,
    TokenPlace,
)
from causalspec.semantics.models import CheckedModel
from causalspec.semantics.tasks import is_broken
from causalspec.semantics.types import Number, Tuple, Unknown, Words, count
from causalspec.span import Span
from causalspec.syntax import ast

SITES = ("residual",)
METHODS: Mapping[str, tuple[str, ...]] = {"boundless_das": ()}  # name → its options
EMBEDDED = ("tiny",)  # the LMs that the runtime brings with it
DTYPES = ("float32", "bfloat16", "float16")
JOINT = 4  # variables at one site
MOST_BALANCED = 16  # values of a variable that tuples are balanced over
MOST_INDEX = 10_000  # of a token within a span


def arguments(call: ast.Call, positional: Sequence[str], named: Sequence[str], report: Report) -> dict[str, ast.Expr]:
    """The arguments of a call by name, misspelt ones as meant; what does not fit is E0205."""
    found: dict[str, ast.Expr] = {}
    names = [*positional, *named]
    place = 0
    for argument in call.arguments:
        if argument.name is None:
            if place >= len(positional):
                if place == len(positional):
                    report.add("E0205", f"`{call.function.text}` takes no further value without a name", argument.span,
                               help=f"its arguments: {', '.join(f'`{name} = …`' for name in named) or 'none'}")  # fmt: skip
                place += 1
                continue
            key, place = positional[place], place + 1
        else:
            key = argument.name.text
        if key not in names:
            close = nearest(key, names)
            hint = f"did you mean `{close}`?" if close else f"its arguments: {_listed(names)}"
            report.add("E0205", f"`{call.function.text}` has no argument `{key}`", argument.span, hint,
                       fix=Fix(argument.name.span, close) if close and argument.name else None)  # fmt: skip
            if close:
                found.setdefault(close, argument.value)
        elif key in found:
            report.add("E0202", f"`{key}` is given twice", argument.span)
        else:
            found[key] = argument.value
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def literal_text(expression: ast.Expr | None, what: str, report: Report) -> str | None:
    if isinstance(expression, ast.Text):
        return expression.value
    if expression is not None:
        report.add("E0301", f"{what} is a string", expression.span)
    return None


_KINDS: Mapping[str, LmKind] = {"embedded": "embedded", "hub": "hub", "path": "path"}


def check_lm(written: ast.Lm, report: Report) -> LanguageModel | None:
    """`embedded("tiny")`, `hub("name", revision = …, dtype = …, chat = …)` or `path("folder", …)`."""
    call = written.value
    kind = _KINDS.get(call.function.text)
    if kind is None:
        report_unknown(report, call.function, "kind of LM", _KINDS)
        return None
    named = {"embedded": (), "hub": ("revision", "dtype", "chat"), "path": ("dtype", "chat")}[kind]
    found = arguments(call, ("name",), named, report)
    if "name" not in found:
        report.add("E0205", f"`{kind}` needs the LM's name", call.span, help=f'for example `{kind}("tiny")`')
    reference = literal_text(found.get("name"), "an LM's name", report)
    if kind == "embedded" and reference is not None and reference not in EMBEDDED:
        name = ast.Name(f'"{reference}"', found["name"].span)
        report_unknown(report, name, "embedded LM", [f'"{item}"' for item in EMBEDDED])
    dtype = _word(found.get("dtype"), "dtype", DTYPES, report)
    chat = found.get("chat")
    if chat is not None and not isinstance(chat, ast.Truth):
        python = isinstance(chat, ast.Name) and chat.text in ("True", "False")
        report.add("E0301", "`chat` is true or false", chat.span, "in small letters" if python else "",
                   fix=Fix(chat.span, report.source.slice(chat.span).lower()) if python else None)  # fmt: skip
    revision = literal_text(found.get("revision"), "a revision", report)
    if reference is None:
        return None
    use_chat = isinstance(chat, ast.Truth) and chat.value
    return LanguageModel(written.name.text, kind, reference, revision, dtype, use_chat, written.name.span)


def _word(expression: ast.Expr | None, what: str, words: Sequence[str], report: Report) -> str | None:
    if expression is None:
        return None
    if isinstance(expression, ast.Name):
        if expression.text in words:
            return expression.text
        report_unknown(report, expression, what, words)
    else:
        report.add("E0301", f"`{what}` is one of {_listed(words)}", expression.span, unquoted(expression),
                   fix=without_quotes(expression))  # fmt: skip
    return None


def check_alignment(written: ast.Align, checked: CheckedModel, task: Task, report: Report) -> Alignment:
    """An alignment of a checked model."""
    placements: list[Placement] = []
    placed: dict[str, Span] = {}
    for item in written.items:
        if isinstance(item, ast.Place):
            placement = _placement(item, checked, task, placed, report)
            if placement is not None:
                placements.append(placement)
    if not any(isinstance(item, ast.Place) for item in written.items) and not is_broken(written.items, "place"):
        report.add("E0204", f"align `{written.name.text}` places no variable", written.name.span,
                   help="for example `place above on residual(layers = all, tokens = last)`")  # fmt: skip
    method = _method(written, report)
    balance = _balance(written, checked, task, report)
    return Alignment(written.name.text, checked.model.name, tuple(placements), method, {}, written.name.span, balance)


def _balance(written: ast.Align, checked: CheckedModel, task: Task, report: Report) -> tuple[str, ...]:
    """What tuples are balanced over besides outputs: names of few values, known in the model or the task."""
    types = {item.name: item.type for item in task.inputs} | {item.name: item.value.type for item in task.lets}
    types |= {item.name: item.type for item in checked.model.variables}
    found: dict[str, Span] = {}
    for name in (name for item in written.items if isinstance(item, ast.Balance) for name in item.names):
        type_ = types.get(name.text)
        if type_ is None:
            if name.text not in checked.doubtful:
                report_unknown(report, name, f"variable in model `{checked.model.name}`", types)
        elif name.text in found:
            report.add("E0202", f"`{name.text}` is balanced twice", name.span, "again here",
                       labels=(Label(found[name.text], "first here"),))  # fmt: skip
        elif isinstance(type_, Tuple | Number | Words) and (isinstance(type_, Tuple) or count(type_) > MOST_BALANCED):
            what = "a list" if isinstance(type_, Tuple) else f"{count(type_):,} values"
            report.add("E0301", f"`{name.text}` has too many values to balance", name.span, f"this has {what}",
                       help=f"balance a variable of at most {MOST_BALANCED} values, such as a bool")  # fmt: skip
        found.setdefault(name.text, name.span)
    return tuple(found)


def _method(written: ast.Align, report: Report) -> str:
    methods = [item for item in written.items if isinstance(item, ast.Method)]
    if not methods and is_broken(written.items, "method"):
        return ""
    if not methods:
        report.add("E0204", f"align `{written.name.text}` names no method", written.name.span,
                   help="write `method boundless_das`")  # fmt: skip
        return ""
    for extra in methods[1:]:
        report.add("E0202", f"align `{written.name.text}` has a second method", extra.span, "again here",
                   labels=(Label(methods[0].span, "first here"),))  # fmt: skip
    call = methods[0].value
    if call.function.text not in METHODS:
        report_unknown(report, call.function, "method", METHODS)
    else:
        arguments(call, (), METHODS[call.function.text], report)
    return call.function.text


def _placement(
    place: ast.Place, checked: CheckedModel, task: Task, placed: dict[str, Span], report: Report
) -> Placement | None:
    known = {variable.name for variable in checked.model.variables}
    names: list[str] = []
    for name in place.variables:
        if name.text not in known:
            _no_variable(name, checked, task, report)
        elif name.text in placed:
            report.add("E0202", f"`{name.text}` is placed twice", name.span, "again here",
                       labels=(Label(placed[name.text], "first here"),),
                       help="alternatives go in one line: `tokens = [price.last, last]`")  # fmt: skip
        else:
            placed[name.text] = name.span
            names.append(name.text)
    if len(place.variables) > JOINT:
        report.add("E0507", f"more than {JOINT} variables at one site", place.span, help="place fewer of them together")
    _no_ancestors(place, names, checked, report)
    layers, tokens = _site(place.site, task, report) or ((), ())
    if not names:
        return None
    return Placement(tuple(names), place.site.function.text, layers, tokens, place.span)


def _no_variable(name: ast.Name, checked: CheckedModel, task: Task, report: Report) -> None:
    model = checked.model
    if name.text in checked.doubtful:
        return
    if name.text in model.parents or name.text in {item.name for item in task.inputs}:
        report.add("E0203", f"`{name.text}` is no variable of model `{model.name}`", name.span,
                   "it belongs to the task", help=f"give the model one: `var at: … = {name.text}`")  # fmt: skip
    else:
        known = [variable.name for variable in model.variables]
        report_unknown(report, name, f"variable in model `{model.name}`", known)


def _no_ancestors(place: ast.Place, names: Sequence[str], checked: CheckedModel, report: Report) -> None:
    """E0501: variables swapped at one site must not be ancestors of each other (meaning.md, Interchange)."""
    for name in place.variables:
        above = _ancestors(name.text, checked)
        for other in names:
            if other in above and other != name.text:
                report.add("E0501", f"`{other}` is an ancestor of `{name.text}`: they cannot share a site", name.span,
                           help="place the two in separate lines")  # fmt: skip


def _ancestors(name: str, checked: CheckedModel) -> set[str]:
    parents, found = checked.model.parents, set[str]()
    frontier = list(parents.get(name, ()))
    while frontier:
        parent = frontier.pop()
        if parent not in found:
            found.add(parent)
            frontier.extend(parents.get(parent, ()))
    return found


def _site(call: ast.Call, task: Task, report: Report) -> tuple[tuple[LayerRange, ...], tuple[TokenPlace, ...]] | None:
    if call.function.text not in SITES:
        report_unknown(report, call.function, "kind of site", SITES)
        return None
    errors = report.errors
    found = arguments(call, (), ("layers", "tokens"), report)
    for needed, example in (("layers", "all"), ("tokens", "last")):
        if needed not in found and report.errors == errors:
            report.add("E0205", f"`{call.function.text}` needs `{needed}`", call.span,
                       help=f"for example `{needed} = {example}`")  # fmt: skip
    if "layers" not in found or "tokens" not in found:
        return None
    layers = _layers(found["layers"], report)
    tokens = _tokens(found["tokens"], task, report)
    return (layers, tokens) if layers and tokens else None


def _layers(written: ast.Expr, report: Report) -> tuple[LayerRange, ...]:
    match written:
        case ast.Name(text="all", span=span):
            return (LayerRange(0, None, 1, span),)
        case ast.Number(digits=layer, scale=0, span=span):
            return (LayerRange(layer, layer, 1, span),)
        case ast.RangeOf(low=ast.Number(scale=0) as low, high=ast.Number(scale=0) as high, step=step, span=span):
            stride = 1 if step is None else step.digits if isinstance(step, ast.Number) and step.scale == 0 else 0
            if low.digits <= high.digits and stride > 0:
                return (LayerRange(low.digits, high.digits, stride, span),)
            report.add("E0506", "this range of layers is empty", span)
            return ()
        case ast.ListOf(items=items) if items:
            return tuple(layer for item in items for layer in _layers(item, report))
    report.add("E0506", "this names no layers", written.span, unquoted(written), fix=without_quotes(written),
               help="write `all`, `3`, `0 .. 30 step 5`, or a list of these")  # fmt: skip
    return ()


_TOKENS = "write `last`, `price.first`, `price.last`, `price[1]`, or a list of these"


def _tokens(written: ast.Expr, task: Task, report: Report) -> tuple[TokenPlace, ...]:
    if isinstance(written, ast.ListOf) and written.items:
        found = [place for item in written.items for place in _tokens(item, task, report)]
        for index, place in enumerate(found):
            if str(place) in map(str, found[:index]):
                report.add("E0202", f"token `{place}` stands here twice", place.span)
        return tuple(found)
    match written:
        case ast.Name(text="last", span=span):
            return (TokenPlace(None, -1, span),)
        case ast.Access(base=ast.Name() as hole, member="last" | "first" as end, span=span):
            index = -1 if end == "last" else 0
        case ast.Name(text="all") | ast.SetOf() | ast.RangeOf() | ast.Binary(op="+" | "-"):
            report.add("E0208", planned.not_yet("this choice of tokens"), written.span, help=_TOKENS)
            return ()
        case ast.Index(base=ast.Name() as hole, index=ast.Number(digits=index, scale=0), span=span) if (
            index < MOST_INDEX
        ):
            pass
        case _:
            report.add("E0502", "this names no token", written.span, unquoted(written), help=_TOKENS,
                       fix=without_quotes(written))  # fmt: skip
            return ()
    holes = [item.name for item in task.holes]
    if not task.prompt or any(isinstance(item.value.type, Unknown) for item in task.holes):
        return ()
    if hole.text not in holes and hole.text in {
        *(item.name for item in task.inputs),
        *(item.name for item in task.lets),
    }:
        report.add("E0502", f"the prompt of task `{task.name}` does not show `{hole.text}`", hole.span, "so it has no token",
                   help=f"print it in the prompt: `{{{hole.text}}}`")  # fmt: skip
        return ()
    if hole.text not in holes:
        report_unknown(report, hole, f"span in the prompt of task `{task.name}`", holes)
        return ()
    for template in task.templates:
        if hole.text not in {part.name for part in template if isinstance(part, Hole)}:
            report.add("E0502", f"one of the templates of task `{task.name}` has no span `{hole.text}`", hole.span,
                       help="name a span that every template has: `{… as name}`")  # fmt: skip
            return ()
    return (TokenPlace(hole.text, index, span),)
