"""Price tagging by hand: the running example's task and four models as checked objects."""

from causalspec.semantics import arithmetic as a
from causalspec.semantics.core import Apply, Constant, Core, Operation, Reference, references
from causalspec.semantics.hypothesis import Hole, Input, Let, Model, Output, Task, Variable
from causalspec.semantics.types import Bool, Number, Type, Words
from causalspec.span import Span

S = Span(0, 1)
ANSWER = Words(("Yes", "No"))


def num(digits: int, scale: int = 0) -> Constant:
    return a.constant(digits, scale, S)


def ref(name: str, type_: Type) -> Reference:
    return Reference(name, type_, S)


def both(*parts: Core) -> Core:
    return Apply(Operation.AND, parts, Bool(), S)


def compare(op: str, left: Core, right: Core) -> Core:
    return a.compare(op, left, right, S)


def yes_if(condition: Core) -> Core:
    yes, no = (Constant(word, Words((word,)), S) for word in ANSWER.words)
    return Apply(Operation.IF, (condition, yes, no), ANSWER, S)


def model(name: str, variables: dict[str, Core], output: Core, task: str = "price_tagging") -> Model:
    parents = {key: tuple(dict.fromkeys(references(core))) for key, core in variables.items()}
    parents["answer"] = tuple(dict.fromkeys(references(output)))
    items = tuple(Variable(key, core.type, core, S) for key, core in variables.items())
    return Model(name, task, items, output, parents, S)


WIDTH, LOWER, PRICE = (
    ref("width", Number(2, 250, 750)),
    ref("lower", Number(2, 5, 745)),
    ref("price", Number(2, 1, 999)),
)
UPPER_SUM = a.add(LOWER, WIDTH, S)
UPPER = ref("upper", UPPER_SUM.type)


def task(*, width: tuple[int, int] = (250, 750), requires: tuple[Core, ...] = (), name: str = "price_tagging") -> Task:
    return Task(
        name,
        "",
        (
            Input("width", Number(2, *width), num(width[0], 2), num(width[1], 2), S),
            Input("lower", Number(2, 5, 995 - width[0]), num(5, 2), a.subtract(num(995, 2), WIDTH, S), S),
            Input("price", Number(2, 1, 999), num(1, 2), num(999, 2), S),
        ),
        (Let("upper", UPPER_SUM, S),),
        requires,
        (
            "Please say yes only if it costs between ",
            Hole("lower", LOWER, S),
            " and ",
            Hole("upper", UPPER, S),
            " dollars, otherwise no. ",
            Hole("price", PRICE, S),
            " dollars",
        ),
        Output("answer", ANSWER, S),
        S,
    )


def _midpoint() -> Model:
    half = a.divide(UPPER_SUM_REF, num(2), S)
    assert isinstance(half, Apply)
    midpoint = ref("midpoint", half.type)
    distance = a.absolute(a.subtract(PRICE, midpoint, S), S)
    reach = a.divide(a.subtract(UPPER, LOWER, S), num(2), S)
    assert isinstance(reach, Apply)
    return model("midpoint_distance", {"midpoint": half}, yes_if(compare("<=", distance, reach)))


UPPER_SUM_REF = a.add(LOWER, UPPER, S)
ABOVE, BELOW = compare(">=", PRICE, LOWER), compare("<=", PRICE, UPPER)
LEFT = model("left_boundary", {"above": ABOVE}, yes_if(both(ref("above", Bool()), BELOW)))
BOTH = model(
    "both_boundaries", {"above": ABOVE, "below": BELOW}, yes_if(both(ref("above", Bool()), ref("below", Bool())))
)
MIDPOINT = _midpoint()
_BRACKET = a.tuple_of((LOWER, UPPER), S)
_LOW, _HIGH = a.items(ref("bracket", _BRACKET.type))
BRACKET = model(
    "bracket_identity", {"bracket": _BRACKET}, yes_if(both(compare("<=", _LOW, PRICE), compare("<=", PRICE, _HIGH)))
)
MODELS = (LEFT, BOTH, MIDPOINT, BRACKET)
