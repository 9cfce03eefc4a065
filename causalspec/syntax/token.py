"""A piece of a spec's text with its kind and place.

Invariant: `start <= end` are offsets into the whole text, also for a token that recovery made up.
"""

from __future__ import annotations

from typing import Any

from causalspec.span import Span


class Token(str):
    """Text that knows its terminal (`type`), its place, and what it stands for (`value`)."""

    __slots__ = ("end", "start", "type", "value")
    type: str
    start: int
    end: int
    value: Any

    def __new__(cls, kind: str, text: str, start: int, end: int, value: Any = None) -> Token:
        token = super().__new__(cls, text)
        token.type, token.start, token.end, token.value = kind, start, end, value
        return token

    def retyped(self, kind: str, text: str) -> Token:
        """Another token in the same place."""
        return Token(kind, text, self.start, self.end)

    @property
    def span(self) -> Span:
        """Where the token stands."""
        return Span(self.start, self.end)
