"""The one exception of the runtime for what a spec's author can mend.

Invariant: carries diagnostics only; a bug in causalspec is any other exception.
"""

from causalspec.diagnostics import Diagnostic


class SpecError(Exception):
    """A spec that is well formed cannot be carried out: the diagnostics say where and what to do."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{item.code}: {item.message}" for item in diagnostics))
        self.diagnostics = diagnostics
