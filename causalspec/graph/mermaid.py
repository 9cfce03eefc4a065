"""A causal graph as Mermaid, for Markdown pages that draw it."""

from __future__ import annotations

from collections.abc import Sequence

from causalspec.graph.causal import CausalGraph, Vertex

_SHAPES = {"input": ("([", "])"), "let": ("[", "]"), "variable": ("[", "]"), "output": ("[[", "]]")}
_CLASSES = """\
  classDef let stroke-dasharray: 4 3
  classDef variable fill:#eef2ff,stroke:#4f46e5,color:#1e1b4b
  classDef aligned fill:#c7d2fe,stroke:#4f46e5,stroke-width:2px,color:#1e1b4b
"""
_ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"})


def as_mermaid(graphs: Sequence[CausalGraph]) -> str:
    """The graphs as subgraphs of one flowchart."""
    return "flowchart LR\n" + "".join(_subgraph(graph, f"m{n}") for n, graph in enumerate(graphs, 1)) + _CLASSES


def _subgraph(graph: CausalGraph, prefix: str) -> str:
    ids = {
        vertex.name: f"{prefix}_{vertex.name}" if vertex.name.isascii() else f"{prefix}_{number}"
        for number, vertex in enumerate(graph.vertices)
    }
    lines = [f'  subgraph {prefix}["model {_text(graph.model)} for {_text(graph.task)}"]', "    direction LR"]
    for vertex in graph.vertices:
        left, right = _SHAPES[vertex.kind]
        style = "aligned" if vertex.marks else vertex.kind
        known = f":::{style}" if f"classDef {style} " in _CLASSES else ""
        lines.append(f'    {ids[vertex.name]}{left}"{_label(vertex)}"{right}{known}')
    lines += [f"    {ids[parent]} --> {ids[child]}" for parent, child in graph.edges]
    return "\n".join([*lines, "  end\n"])


def _label(vertex: Vertex) -> str:
    lines = [f"<b>{_text(vertex.name)}</b>", _text(vertex.type)]
    lines.append(_text(f"= {vertex.mechanism}") if vertex.mechanism else "")
    lines += [_text(f"{mark.title}: {mark.place}") for mark in vertex.marks]
    return "<br/>".join(filter(None, lines))


def _text(text: str) -> str:
    return text.translate(_ENTITIES)
