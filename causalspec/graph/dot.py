"""A causal graph as DOT, for Graphviz."""

from __future__ import annotations

from collections.abc import Sequence

from causalspec.graph.causal import CausalGraph, Vertex

_HEAD = """\
  rankdir=LR
  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11, color="#64748b"]
  edge [color="#64748b", arrowsize=0.7]
  fontname="Helvetica"
"""
_STYLES = {
    "input": "",
    "let": 'style="rounded,dashed"',
    "variable": 'style=filled, fillcolor="#eef2ff", color="#4f46e5"',
    "output": "peripheries=2",
}


def as_dot(graphs: Sequence[CausalGraph], title: str) -> str:
    """The graphs as clusters of one digraph."""
    return f"digraph {_quoted(title)} {{\n{_HEAD}" + "".join(_cluster(graph) for graph in graphs) + "}\n"


def _cluster(graph: CausalGraph) -> str:
    lines = [f"  subgraph {_quoted(f'cluster_{graph.model}')} {{"]
    lines.append(f"    label={_quoted(f'model {graph.model} for {graph.task}')}")
    for vertex in graph.vertices:
        attributes = [f"label={_quoted(_label(vertex))}", _STYLES[vertex.kind]]
        if vertex.marks:
            attributes[1:] = ['style="filled,bold", fillcolor="#c7d2fe", color="#4f46e5"']
        shown = ", ".join(filter(None, attributes))
        lines.append(f"    {_quoted(f'{graph.model}.{vertex.name}')} [{shown}]")
    for parent, child in graph.edges:
        lines.append(f"    {_quoted(f'{graph.model}.{parent}')} -> {_quoted(f'{graph.model}.{child}')}")
    return "\n".join([*lines, "  }\n"])


def _label(vertex: Vertex) -> str:
    lines = [vertex.name, vertex.type, f"= {vertex.mechanism}" if vertex.mechanism else ""]
    lines += [f"{mark.title}: {mark.place}" for mark in vertex.marks]
    return "\n".join(filter(None, lines)).replace("&", "&amp;")  # labels may hold entities


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
