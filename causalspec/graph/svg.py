"""A causal graph as SVG: a card for each vertex, a curve for each read, a coloured strip for each placement.

In: graphs. Out: one self-contained picture for light and dark pages, with a title and a description in words.
Invariant: well-formed XML whatever the texts; nothing is loaded, nothing runs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape

from causalspec.graph.causal import CausalGraph, Mark, Vertex
from causalspec.graph.layered import Box, Layout, Way, layered
from causalspec.record import record

MARGIN = 32.0
PANEL_GAP = 44.0
HEADING = 40.0  # the height of a panel's title
PAD = 14.0  # within a card
LINE = 17.0
STRIP = 40.0  # the height of a placement
LONGEST = 40  # characters of a line of a mechanism
MOST_LINES = 8
NAME_WIDTH, CODE_WIDTH, SMALL_WIDTH = 8.45, 7.25, 6.25  # of a character: 14 and 12 px monospaced, 11 px sans-serif
_CUTS = ((" and ", " or ", " | "), (" <= ", " >= ", " < ", " > ", " == ", " != "), (" ",))  # the best first
KIND_GAP = 22.0  # between a name and its kind

_STYLE = """\
.cs-page{fill:#ffffff}
.cs-title,.cs-name{fill:#0f172a}
.cs-for,.cs-kind,.cs-type{fill:#64748b}
.cs-code{fill:#334155}
.cs-card{fill:#ffffff;stroke:#94a3b8;stroke-width:1.25}
.cs-input .cs-card{fill:#f8fafc;stroke:#cbd5e1}
.cs-let .cs-card{stroke-dasharray:5 3}
.cs-variable .cs-card{stroke:#6366f1;stroke-width:1.5}
.cs-output .cs-card{fill:#0f172a;stroke:#0f172a}
.cs-output .cs-name{fill:#ffffff}
.cs-output .cs-code{fill:#e2e8f0}
.cs-output .cs-kind,.cs-output .cs-type{fill:#94a3b8}
.cs-unread{opacity:.6}
.cs-strip{fill:#e0e7ff}
.cs-by{fill:#3730a3;font-weight:600}
.cs-place{fill:#4338ca}
.cs-edge{fill:none;stroke:#94a3b8;stroke-width:1.5}
.cs-head{fill:#94a3b8}
.cs-edge.cs-aligned{stroke:#6366f1;stroke-width:2}
.cs-head.cs-aligned{fill:#6366f1}
.cs-sans{font-family:Inter,"Helvetica Neue",Helvetica,Arial,sans-serif}
.cs-mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.cs-title{font-size:17px;font-weight:600}
.cs-for{font-size:13px;font-weight:400}
.cs-name{font-size:14px;font-weight:600}
.cs-code,.cs-type{font-size:12px}
.cs-kind,.cs-by,.cs-place{font-size:11px}
@media (prefers-color-scheme:dark){
.cs-page{fill:#0b1120}
.cs-title,.cs-name{fill:#f1f5f9}
.cs-for,.cs-kind,.cs-type{fill:#94a3b8}
.cs-code{fill:#cbd5e1}
.cs-card{fill:#111827;stroke:#64748b}
.cs-input .cs-card{fill:#0f172a;stroke:#475569}
.cs-variable .cs-card{stroke:#818cf8}
.cs-output .cs-card{fill:#e2e8f0;stroke:#e2e8f0}
.cs-output .cs-name{fill:#0f172a}
.cs-output .cs-code{fill:#1e293b}
.cs-output .cs-kind,.cs-output .cs-type{fill:#475569}
.cs-strip{fill:#312e81}
.cs-by{fill:#e0e7ff}
.cs-place{fill:#c7d2fe}
.cs-edge{stroke:#64748b}
.cs-head{fill:#64748b}
.cs-edge.cs-aligned{stroke:#818cf8}
.cs-head.cs-aligned{fill:#818cf8}
}
"""
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@record
class _Card:
    """A vertex with its lines broken."""

    vertex: Vertex
    lines: tuple[tuple[str, str], ...]  # class, text
    width: float
    height: float


def as_svg(graphs: Sequence[CausalGraph], title: str) -> str:
    """The graphs one below the other, as one picture."""
    panels = [_panel(graph) for graph in graphs]
    width = max(panel.width for panel in panels) + 2 * MARGIN
    height = sum(panel.height for panel in panels) + PANEL_GAP * (len(panels) - 1) + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="cs-title cs-desc">',
        f'<title id="cs-title">{_xml(title)}</title>',
        f'<desc id="cs-desc">{_xml(" ".join(map(_described, graphs)))}</desc>',
        f"<style>\n{_STYLE}</style>",
        f'<rect class="cs-page" width="{width:.0f}" height="{height:.0f}" rx="12"/>',
    ]
    top = MARGIN
    for panel in panels:
        parts += [f'<g transform="translate({_number(MARGIN)} {_number(top)})">', *panel.parts, "</g>"]
        top += panel.height + PANEL_GAP
    return "\n".join([*parts, "</svg>\n"])


@record
class _Panel:
    """The picture of one model."""

    parts: tuple[str, ...]
    width: float
    height: float


def _panel(graph: CausalGraph) -> _Panel:
    cards = {vertex.name: _card(vertex) for vertex in graph.vertices}
    sizes = {name: (card.width, card.height) for name, card in cards.items()}
    of_kind = {
        kind: [vertex.name for vertex in graph.vertices if vertex.kind == kind] for kind in ("input", "variable")
    }
    last = graph.vertices[-1].name
    layout = layered(sizes, graph.edges, first=of_kind["input"], late=of_kind["variable"], last=last)
    heading = (
        f'<text class="cs-title cs-sans" x="0" y="16">{_xml(graph.model)}'
        f'<tspan class="cs-for" dx="10">for {_xml(graph.task)}</tspan></text>'
    )
    parts = [heading, f'<g transform="translate(0 {_number(HEADING)})">', *_edges(graph, layout)]
    for name, card in cards.items():
        parts += _drawn(card, layout.boxes[name])
    title_width = len(graph.model) * 10 + len(graph.task) * 8 + 40
    return _Panel((*parts, "</g>"), max(layout.width, title_width), layout.height + HEADING)


# --- cards ---


def _card(vertex: Vertex) -> _Card:
    lines = [("cs-type", line) for line in _broken(vertex.type)]
    if vertex.mechanism:
        lines += [("cs-code", line) for line in _broken(f"= {vertex.mechanism}")]
    widths = [_cells(vertex.name) * NAME_WIDTH + KIND_GAP + len(_kind(vertex)) * SMALL_WIDTH]
    widths += [_cells(text) * CODE_WIDTH for _, text in lines]
    widths += [_cells(text) * SMALL_WIDTH for mark in vertex.marks for text in _said(mark)]
    height = PAD + LINE * (len(lines) + 1) + 6 + STRIP * len(vertex.marks)
    return _Card(vertex, tuple(lines), max(widths) + 2 * PAD, height)


def _kind(vertex: Vertex) -> str:
    return vertex.kind if vertex.read else f"{vertex.kind}, not read"


def _said(mark: Mark) -> tuple[str, str]:
    return f"{mark.title} · {mark.method}", mark.place


def _broken(text: str) -> list[str]:
    """An expression on lines of about LONGEST characters, rather before certain words and signs than elsewhere."""
    if not text:
        return []
    lines: list[str] = []
    pieces = re.split(r" (?=(?:then|else)\b)", text) if len(text) > LONGEST else [text]
    for piece in pieces:
        rest, indent = piece, "  " if lines else ""
        while len(rest) + len(indent) > LONGEST:
            cuts = (max(rest.rfind(sign, 8, LONGEST) for sign in signs) for signs in _CUTS)
            cut = next((cut for cut in cuts if cut > 0), 0)
            if not cut:
                break
            lines.append(indent + rest[:cut])
            rest, indent = rest[cut + 1 :], "  "
        lines.append(indent + rest)
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "  …"]


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _drawn(card: _Card, box: Box) -> list[str]:
    vertex = card.vertex
    unread = "" if vertex.read else " cs-unread"
    parts = [
        f'<g class="cs-{vertex.kind}{unread}" transform="translate({_number(box.x)} {_number(box.y)})">',
        f"<title>{_xml(_sentence(vertex))}</title>",
    ]
    plain = f'width="{_number(box.width)}" height="{_number(box.height)}" rx="9"'
    parts.append(f'<rect class="cs-card" {plain}/>')
    y = PAD + 11
    parts.append(f'<text class="cs-name cs-mono" x="{_number(PAD)}" y="{_number(y)}">{_xml(vertex.name)}</text>')
    kind = f'x="{_number(box.width - PAD)}" y="{_number(y)}" text-anchor="end"'
    parts.append(f'<text class="cs-kind cs-sans" {kind}>{_kind(vertex)}</text>')
    for style, text in card.lines:
        y += LINE
        indent = (len(text) - len(text.lstrip())) * CODE_WIDTH
        place = f'x="{_number(PAD + indent)}" y="{_number(y)}"'
        parts.append(f'<text class="{style} cs-mono" {place}>{_xml(text.strip())}</text>')
    top = box.height - STRIP * len(vertex.marks)
    for number, mark in enumerate(vertex.marks):
        parts += _strip(mark, top + STRIP * number, box, last=number == len(vertex.marks) - 1)
    return [*parts, "</g>"]


def _strip(mark: Mark, top: float, box: Box, *, last: bool) -> list[str]:
    """A placement, at the foot of its variable's card; the last one follows the card's round corners."""
    edge, right, bottom, r = 0.75, box.width - 0.75, top + STRIP - (0.75 if last else 1), 8.25 if last else 0
    shape = (
        f"M{edge} {_number(top)}H{_number(right)}V{_number(bottom - r)}"
        f"Q{_number(right)} {_number(bottom)} {_number(right - r)} {_number(bottom)}"
        f"H{_number(edge + r)}Q{edge} {_number(bottom)} {edge} {_number(bottom - r)}Z"
    )
    by, place = _said(mark)
    return [
        f'<path class="cs-strip" d="{shape}"/>',
        f'<text class="cs-by cs-sans" x="{_number(PAD)}" y="{_number(top + 16)}">{_xml(by)}</text>',
        f'<text class="cs-place cs-sans" x="{_number(PAD)}" y="{_number(top + 31)}">{_xml(place)}</text>',
    ]


# --- edges ---


def _edges(graph: CausalGraph, layout: Layout) -> list[str]:
    """The curves, those from aligned variables last: they lie above the others."""
    aligned = {vertex.name for vertex in graph.vertices if vertex.marks}
    drawn = sorted(graph.edges, key=lambda edge: edge[0] in aligned)
    parts = []
    for parent, child in drawn:
        style = " cs-aligned" if parent in aligned else ""
        route = layout.routes[parent, child]
        parts.append(
            f'<path class="cs-edge{style}" d="{_curve(route)}"><title>{_xml(f"{child} reads {parent}")}</title></path>'
        )
        tip = route[-1]
        parts.append(f'<path class="cs-head{style}" d="M{_number(tip.left)} {_number(tip.y)}l-8 -4v8z"/>')
    return parts


def _curve(route: Sequence[Way]) -> str:
    """From the first box's right side through the waypoints to the last box, level at both ends."""
    here = route[0]
    path = f"M{_number(here.right)} {_number(here.y)}"
    for number, way in enumerate(route[1:], 1):
        end = way.left - (6 if number == len(route) - 1 else 0)
        bend = (end - here.right) * 0.5
        path += (
            f"C{_number(here.right + bend)} {_number(here.y)} {_number(end - bend)} {_number(way.y)} "
            f"{_number(end)} {_number(way.y)}"
        )
        if number < len(route) - 1:
            path += f"H{_number(way.right)}"
        here = way
    return path


# --- words ---


def _described(graph: CausalGraph) -> str:
    """A model in words, for who cannot see it."""
    sentences = [_sentence(vertex, graph.parents(vertex.name)) for vertex in graph.vertices]
    return f"Model {graph.model} for {graph.task}: {'; '.join(sentences)}."


def _sentence(vertex: Vertex, parents: Sequence[str] = ()) -> str:
    said = f"{_kind(vertex)} {vertex.name}"
    said += f": {vertex.type}" if vertex.type else ""
    said += f" = {vertex.mechanism}" if vertex.mechanism else ""
    said += f", reads {', '.join(parents)}" if parents else ""
    return said + "".join(f", aligned by {mark.title} at {mark.place}, {mark.method}" for mark in vertex.marks)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _xml(text: str) -> str:
    return escape(_NOT_IN_XML.sub("\ufffd", text))
