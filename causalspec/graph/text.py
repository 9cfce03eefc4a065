"""A causal graph for the terminal: a line for each vertex, in causal order.

Invariant: the spec's text cannot steer the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

from causalspec.graph.causal import CausalGraph, Vertex
from causalspec.render import escaped


def as_text(graphs: Sequence[CausalGraph]) -> str:
    """The graphs one below the other."""
    return "\n\n".join(_graph(graph) for graph in graphs) + "\n"


def _graph(graph: CausalGraph) -> str:
    width = max(len(vertex.name) for vertex in graph.vertices)
    lines = [f"model {graph.model} for {graph.task}"]
    for vertex in graph.vertices:
        lines.append(f"  {vertex.kind:<8}  {vertex.name:<{width}}  {_said(vertex)}".rstrip())
        indent = " " * (width + 14)
        parents = graph.parents(vertex.name)
        if parents:
            lines.append(f"{indent}reads {', '.join(parents)}")
        lines += [f"{indent}aligned by {mark.title}: {mark.place} ({mark.method})" for mark in vertex.marks]
    return "\n".join(escaped(line) for line in lines)


def _said(vertex: Vertex) -> str:
    if not vertex.read:
        return f"{vertex.type}  (not read)"
    return (
        " = ".join(part for part in (vertex.type, vertex.mechanism) if part) if vertex.type else f"= {vertex.mechanism}"
    )
