"""`causalspec graph`: the drawing shows every read and every placement, in each format, whatever the texts."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from causalspec.graph import CausalGraph, Vertex, causal_graph
from causalspec.graph.dot import as_dot
from causalspec.graph.layered import Layout, layered
from causalspec.graph.mermaid import as_mermaid
from causalspec.graph.svg import as_svg
from causalspec.graph.text import as_text
from causalspec.semantics.check import check
from causalspec.semantics.hypothesis import Hypothesis
from causalspec.span import Source
from tests.conftest import ROOT, Call

EXAMPLE = ROOT / "specs" / "price_tagging.cspec"
SVG = "{http://www.w3.org/2000/svg}"
LEFT_TEXT = """\
model left_boundary for price_tagging
  input     width   decimal(2) in 2.50 .. 7.50
  input     lower   decimal(2) in 0.05 .. 9.95 - width
  input     price   decimal(2) in 0.01 .. 9.99
  let       upper   = lower + width
                    reads lower, width
  variable  above   bool = price >= lower
                    reads lower, price
                    aligned by left: residual, layers all × tokens price.first, last (boundless_das)
  output    answer  "Yes" | "No" = if above and price <= upper then "Yes" else "No"
                    reads above, price, upper
"""
LEFT_DOT = r"""
  subgraph "cluster_left_boundary" {
    label="model left_boundary for price_tagging"
    "left_boundary.width" [label="width\ndecimal(2) in 2.50 .. 7.50"]
    "left_boundary.lower" [label="lower\ndecimal(2) in 0.05 .. 9.95 - width"]
    "left_boundary.price" [label="price\ndecimal(2) in 0.01 .. 9.99"]
    "left_boundary.upper" [label="upper\n= lower + width", style="rounded,dashed"]
    "left_boundary.above" [label="above\nbool\n= price >= lower\nleft: residual, layers all × tokens price.first, last", style="filled,bold", fillcolor="#c7d2fe", color="#4f46e5"]
    "left_boundary.answer" [label="answer\n\"Yes\" | \"No\"\n= if above and price <= upper then \"Yes\" else \"No\"", peripheries=2]
    "left_boundary.lower" -> "left_boundary.upper"
    "left_boundary.width" -> "left_boundary.upper"
    "left_boundary.lower" -> "left_boundary.above"
    "left_boundary.price" -> "left_boundary.above"
    "left_boundary.above" -> "left_boundary.answer"
    "left_boundary.price" -> "left_boundary.answer"
    "left_boundary.upper" -> "left_boundary.answer"
  }
"""
LEFT_MERMAID = """\
flowchart LR
  subgraph m1["model left_boundary for price_tagging"]
    direction LR
    m1_width(["<b>width</b><br/>decimal(2) in 2.50 .. 7.50"])
    m1_lower(["<b>lower</b><br/>decimal(2) in 0.05 .. 9.95 - width"])
    m1_price(["<b>price</b><br/>decimal(2) in 0.01 .. 9.99"])
    m1_upper["<b>upper</b><br/>= lower + width"]:::let
    m1_above["<b>above</b><br/>bool<br/>= price #gt;= lower<br/>left: residual, layers all × tokens price.first, last"]:::aligned
    m1_answer[["<b>answer</b><br/>#quot;Yes#quot; | #quot;No#quot;<br/>= if above and price #lt;= upper then #quot;Yes#quot; else #quot;No#quot;"]]
    m1_lower --> m1_upper
    m1_width --> m1_upper
    m1_lower --> m1_above
    m1_price --> m1_above
    m1_above --> m1_answer
    m1_price --> m1_answer
    m1_upper --> m1_answer
  end
"""
HOSTILE = r"""</text><script>alert("1 & 2")</script>]]> #x; `md` \n --> {{}} \\"""
UNREAD = """\
cspec 1
task t {
  input a: int in 0 .. 9
  input b: int in 0 .. 9
  input 数: bool
  let used = a + 1
  let shown = b + 1
  prompt "{a} {b} {数} {shown}"
  output answer: "Yes" | "No"
}
model m for t {
  var low: bool = (  # not high
    used < 4
  )
  var odd: bool = 数
  output answer = if low and odd then "Yes" else "No"
}
align far for m {
  place low on residual(layers = [0, 2 .. 30 step 4, 5 .. 6], tokens = [a.first, b.last, a[1], last])
  method boundless_das
}
"""


def hypothesis_of(text: str) -> Hypothesis:
    hypothesis, diagnostics = check(Source("x.cspec", text))
    assert hypothesis is not None, diagnostics
    return hypothesis


@pytest.fixture(scope="module")
def example() -> Hypothesis:
    return hypothesis_of(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def graphs(example: Hypothesis) -> list[CausalGraph]:
    return [causal_graph(example, name) for name in example.models]


def hostile() -> CausalGraph:
    """A graph whose texts hold what each format takes for its own."""
    vertices = (Vertex("a", "input", HOSTILE, ""), Vertex("out", "output", "bool", HOSTILE))
    return CausalGraph("m", HOSTILE, vertices, (("a", "out"),))


def test_an_edge_for_each_read(example: Hypothesis, graphs: list[CausalGraph]) -> None:
    """The edges are those of the hypothesis: what each variable's and the output's mechanism reads."""
    for graph in graphs:
        assert set(graph.edges) == set(example.models[graph.model].graph().edges)
        names = [vertex.name for vertex in graph.vertices]
        assert all(names.index(parent) < names.index(child) for parent, child in graph.edges)


def test_what_a_model_does_not_read_is_shown_as_such() -> None:
    """An input that no mechanism reads is marked, a let that none reads left out; mechanisms are on one line."""
    graph = causal_graph(hypothesis_of(UNREAD), "m")
    assert [(item.name, item.read) for item in graph.vertices[:4]] == [
        ("a", True), ("b", False), ("数", True), ("used", True)
    ]  # fmt: skip
    assert "shown" not in {item.name for item in graph.vertices}
    (low,) = (item for item in graph.vertices if item.name == "low")
    assert "used < 4" in low.mechanism and "#" not in low.mechanism and "\n" not in low.mechanism
    (mark,) = low.marks
    assert mark.place == "residual, layers 0, 2 .. 30 step 4, 5 .. 6 × tokens a.first, b.last, a[1], last"


def test_variables_placed_together_name_each_other(graphs: list[CausalGraph]) -> None:
    """`place (above, below)` marks both, each with the other."""
    both = next(graph for graph in graphs if graph.model == "both_boundaries")
    titles = {vertex.name: [mark.title for mark in vertex.marks] for vertex in both.vertices if vertex.marks}
    assert titles == {"above": ["both with below"], "below": ["both with above"]}


def test_text_dot_and_mermaid_of_the_example(graphs: list[CausalGraph]) -> None:
    """Each says vertices, mechanisms, placements and reads."""
    assert as_text(graphs[:1]) == LEFT_TEXT
    assert LEFT_DOT in as_dot(graphs, "price_tagging.cspec")
    assert as_mermaid(graphs[:1]).startswith(LEFT_MERMAID)


def test_svg_is_a_whole_picture(graphs: list[CausalGraph]) -> None:
    """Well-formed, with a title, a description, a curve for each read, a strip for each placement, and no outside."""
    picture = as_svg(graphs, "Causal graphs")
    root = ElementTree.fromstring(picture)
    title, described = (root.findtext(f"*[@id='{name}']") or "" for name in root.attrib["aria-labelledby"].split())
    assert title == "Causal graphs"
    assert "variable above: bool = price >= lower, reads lower, price, aligned by left" in described
    curves = [item.findtext(f"{SVG}title") for item in root.iter(f"{SVG}path") if "cs-edge" in item.get("class", "")]
    assert sorted(filter(None, curves)) == sorted(
        f"{child} reads {parent}" for g in graphs for parent, child in g.edges
    )
    assert picture.count('class="cs-strip"') == sum(len(item.marks) for graph in graphs for item in graph.vertices)
    assert "prefers-color-scheme:dark" in picture
    assert not re.search(r"href|url\(|<script|<image|@import", picture)
    assert picture == as_svg(graphs, "Causal graphs")


def test_texts_are_escaped_in_every_format() -> None:
    """Markup, quotes, arrows and line ends in a text stay text."""
    root = ElementTree.fromstring(as_svg([hostile()], HOSTILE + "\x00\ufffe"))
    assert root.findtext(f"{SVG}title") == HOSTILE + "\ufffd\ufffd"
    assert not list(root.iter(f"{SVG}script"))
    mermaid = as_mermaid([hostile()])
    assert "<script" not in mermaid and "`" not in mermaid
    for label in re.findall(r'(?<=\[")[^\]]*(?="\])', mermaid):
        assert '"' not in label
    dot = as_dot([hostile()], HOSTILE)
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot)
    assert '"' not in rest and "script" not in rest
    assert "\x1b" not in as_text([CausalGraph("m\x1b[2J", "t", hostile().vertices, ())])


def random_graph(random_: random.Random) -> tuple[dict[str, tuple[float, float]], list[tuple[str, str]]]:
    names = [f"n{number}" for number in range(random_.randint(2, 25))]
    sizes = {name: (random_.uniform(20, 200), random_.uniform(20, 120)) for name in names}
    pairs = list(itertools.combinations(names[:-1], 2))
    edges = random_.sample(pairs, min(len(pairs), random_.randint(0, 40)))
    return sizes, [*edges, *((name, names[-1]) for name in random_.sample(names[:-1], 1))]


def overlaps(layout: Layout) -> list[tuple[str, str]]:
    return [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(layout.boxes.items(), 2)
        if a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height - 1 and b.y < a.y + a.height - 1
    ]


def test_boxes_never_overlap_and_edges_go_right() -> None:
    """In any graph boxes stand apart, inside the picture, and an edge leads from one box to another further right."""
    random_ = random.Random(5)
    for _ in range(150):
        sizes, edges = random_graph(random_)
        children = {child for _, child in edges}
        first = [name for name in sizes if name not in children]
        layout = layered(sizes, edges, first=first, late=list(sizes)[5:9], last=list(sizes)[-1])
        assert not overlaps(layout)
        for box in layout.boxes.values():
            assert box.x >= 0 and box.y >= -0.01
            assert box.x + box.width <= layout.width + 0.01 and box.y + box.height <= layout.height + 0.01
        for (parent, child), route in layout.routes.items():
            one, other = layout.boxes[parent], layout.boxes[child]
            assert one.x + one.width < other.x
            assert one.y <= route[0].y <= one.y + one.height and other.y <= route[-1].y <= other.y + other.height
            assert all(here.right < there.left for here, there in itertools.pairwise(route))


def test_edges_that_need_not_cross_do_not() -> None:
    """A ladder given in the wrong order is untangled."""
    names = ["a", "b", "c", "z", "y", "x", "end"]
    edges = [("a", "x"), ("b", "y"), ("c", "z"), *((name, "end") for name in "xyz")]
    layout = layered(dict.fromkeys(names, (40.0, 20.0)), edges, first="abc", late=(), last="end")
    inputs = sorted("abc", key=lambda name: layout.boxes[name].y)
    assert sorted("xyz", key=lambda name: layout.boxes[name].y) == [{"a": "x", "b": "y", "c": "z"}[n] for n in inputs]


def test_graph_is_text_unless_asked(call: Call) -> None:
    """`graph FILE --model NAME` says the graph in the terminal."""
    ran = call("graph", EXAMPLE, "--model", "left_boundary")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, LEFT_TEXT, "")


@pytest.mark.parametrize(("name", "begin"), [("g.svg", "<svg"), ("g.dot", "digraph"), ("g.mmd", "flowchart"), ("g.txt", "model")])  # fmt: skip
def test_the_format_is_that_of_the_name(call: Call, tmp_path: Path, name: str, begin: str) -> None:
    """`-o graph.svg` writes SVG, and says nothing."""
    ran = call("graph", EXAMPLE, "-o", tmp_path / name)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)


def test_a_bad_call_is_status_2_with_a_way_out(call: Call, tmp_path: Path) -> None:
    """An unknown model, suffix or format, a folder to write to, a spec with errors or without models."""
    empty = tmp_path / "empty.cspec"
    empty.write_text("cspec 1\n", encoding="utf-8")
    bad = ROOT / "tests" / "bad" / "unknown_variable_in_place.cspec"
    for arguments, told in (
        ((EXAMPLE, "--model", "left_boundry"), "did you mean `left_boundary`?"),
        ((EXAMPLE, "--model", "x"), "it has left_boundary, both_boundaries"),
        ((EXAMPLE, "-o", tmp_path / "g.png"), "say --format"),
        ((EXAMPLE, "--format", "png"), "invalid choice"),
        ((EXAMPLE, "-o", tmp_path, "--format", "svg"), "is a folder"),
        ((tmp_path / "nowhere.cspec",), "no file"),
        ((bad,), "did you mean `above`?"),
        ((empty,), "no model to draw"),
    ):
        ran = call("graph", *arguments)
        assert ran.returncode == 2 and told in ran.stderr and "Traceback" not in ran.stderr, (arguments, ran.stderr)
        assert ran.stdout == ""
