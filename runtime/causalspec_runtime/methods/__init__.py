"""Alignment methods: one file each, one line here."""

from causalspec_runtime.methods.boundless_das import BoundlessDas
from causalspec_runtime.methods.protocol import InterchangeMap, Method

METHODS: dict[str, Method] = {method.name: method for method in (BoundlessDas(),)}

__all__ = ["METHODS", "InterchangeMap", "Method"]
