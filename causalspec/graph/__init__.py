"""Causal graphs as drawings: what each mechanism reads, and where an alignment looks for a variable.

`causal` says what is drawn, `layered` where; `text`, `dot`, `mermaid` and `svg` are renderers of it.
"""

from __future__ import annotations

from causalspec.graph.causal import CausalGraph, Vertex, causal_graph

__all__ = ["CausalGraph", "Vertex", "causal_graph"]
