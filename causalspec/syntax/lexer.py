"""Split a spec's text into tokens; report what is wrong with single tokens.

In: text and the grammar's terminals. Out: tokens with character offsets, the last one `$END`; lines joined inside
brackets; values decoded (`Token.value`). A word is always NAME here: whether it is a keyword depends on the place, so
the parser decides.
Invariant: never raises on user input; a token that was reported here is in `Tokens.reported`, one without a value
also in `Tokens.unread`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from causalspec.diagnostics import Fix, Report
from causalspec.span import Span
from causalspec.syntax._table import load_table
from causalspec.syntax.strings import decode, dedent, shown
from causalspec.syntax.token import Token

RESERVED = frozenset(["if", "then", "else", "and", "or", "not", "in", "for", "match", "as", "true", "false"])
DECLARATIONS = frozenset(["cspec", "table", "fn", "task", "variant", "model", "align", "experiment", "claim", "lm"])
STATEMENTS = frozenset(
    [
        "input",
        "let",
        "require",
        "prompt",
        "output",
        "var",
        "example",
        "place",
        "method",
        "balance",
        "lm",
        "run",
        "tuples",
        "seeds",
        "control",
        "transfer",
        "training",
    ]
)
MOST_NESTING = 64
DEEP_HELP = "name a part with `let` or `var` and use the name"
MOST_DIGITS = 30
CLOSES = {")": "(", "]": "[", "}": "{"}
JOINS = frozenset(("then", "else", "and", "or"))
_STATEMENT_LINE = re.compile(
    rf"\s*(?:(?:{'|'.join(sorted(STATEMENTS | DECLARATIONS))})[ \t]+(?!(?:{'|'.join(sorted(RESERVED))})\b)[\w\"]|\}})"
)
_OPEN_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*|'(?:[^'\\\n]|\\.)*")
_UNKNOWN = re.compile(r"\W")
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(slots=True)
class Tokens:
    """The tokens of a text, and the offsets at which something was reported already."""

    items: list[Token]
    reported: list[int]
    unread: list[int]  # the offsets of malformed numbers, whose values are not known


@lru_cache(maxsize=1)
def _scanner() -> re.Pattern[str]:
    patterns = load_table().patterns
    order = ["BLANK", "NAME", "COMMENT", "NEWLINE", "LONG_STRING", "NUMBER", "STRING", "QUOTED", "RANGE", "ARROW"]
    order += [name for name in patterns if name not in order]
    habits = r"(?P<UNKNOWN>=>|=<|=!|<>|===|:=|\*\*|\.\.\.|&&|\|\|)|"  # told as one piece, see LOOKALIKES of recover.py
    return re.compile(habits + "|".join(f"(?P<{name}>{patterns[name]})" for name in order))


def blank_odd(text: str, report: Report) -> str:
    """The text with characters that cannot be seen replaced by spaces, each line's first one reported."""
    line_told = -1
    for match in _ODD.finditer(text):
        line, _ = report.source.position(match.start())
        byte_order_mark = match.start() == 0 and match.group() == "\ufeff"
        if line != line_told and not byte_order_mark:
            line_told = line
            report.add(
                "E0105",
                f"the character {shown(match.group())} cannot be seen and is not allowed",
                Span(match.start(), match.end()),
                "delete it",
                fix=Fix(Span(match.start(), match.end()), ""),
            )
    return _ODD.sub(" ", text)


def tokenize(text: str, start: int, end: int, report: Report, *, in_hole: bool = False) -> Tokens:
    """The tokens of `text[start:end]`, with offsets into the whole text; single quotes stand in holes only."""
    lexer = _Lexer(text, end, report, in_hole)
    lexer.run(start)
    return Tokens(lexer.items, sorted(lexer.reported), lexer.unread)


@dataclass(slots=True)
class _Lexer:
    text: str
    end: int
    report: Report
    in_hole: bool
    items: list[Token] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    brackets: list[Token] = field(default_factory=list)

    def run(self, position: int) -> None:
        match_at = _scanner().match
        text, end = self.text, self.end
        while position < end:
            match = match_at(text, position, end)
            kind = match.lastgroup if match else None
            if match is None or kind is None or (kind == "STRING" and text.startswith('"""', position)):
                position = self._odd_piece(position)
                continue
            stop = match.end()
            if kind == "NAME":
                word = self._push("NAME", position, stop)
                if word in JOINS and len(self.items) > 1 and self.items[-2].type == "NEWLINE":
                    del self.items[-2]
            elif kind == "NEWLINE":
                self._newline(position)
            elif kind == "NUMBER":
                stop = self._number(position, stop)
            elif kind in ("STRING", "QUOTED", "LONG_STRING"):
                self._string(kind, position, stop)
            elif kind not in ("BLANK", "COMMENT"):
                self._punctuation(kind, position, stop)
            position = stop
        self._push("$END", end, end, self._unclosed())

    def _push(self, kind: str, start: int, stop: int, value: object = None) -> Token:
        token = Token(kind, self.text[start:stop], start, stop, value)
        self.items.append(token)
        return token

    def _error(
        self, code: str, message: str, start: int, stop: int, label: str = "", help: str = "", fix: Fix | None = None
    ) -> None:
        self.reported.append(start)
        self.report.add(code, message, Span(start, stop), label, help=help, fix=fix)

    def _newline(self, position: int) -> None:
        if not self.items or self.items[-1].type == "NEWLINE":
            return
        unclosed = None
        if len(self.brackets) > 1 or (self.brackets and not self._in_body()):
            inside_match = self._in_body()
            statement = _STATEMENT_LINE.match(self.text, position + 1, self.end)
            if statement and not (statement.group().endswith("}") and self.brackets[-1] == "{"):
                unclosed = self.brackets[-1]
                while self.brackets and not (self._in_body() and self._is_outermost()):
                    self.brackets.pop()
            elif not inside_match:
                return
        self._push("NEWLINE", position, position + 1, unclosed)

    def _in_body(self) -> bool:
        return bool(self.brackets[-1].value == "body")

    def _is_outermost(self) -> bool:
        """Whether the innermost bracket that is open is that of a declaration; a body inside one is a `match`."""
        return not any(bracket.value == "body" for bracket in self.brackets[:-1])

    def _unclosed(self) -> Token | None:
        """The innermost bracket of an expression that is open."""
        return self.brackets[-1] if self.brackets and not self._in_body() else None

    def _number(self, start: int, stop: int) -> int:
        previous = self.items[-1].type if self.items else ""
        if previous == "DOT" and "." in self.text[start:stop]:  # bracket.0.1 is two accesses
            stop = self.text.index(".", start)
        tail = re.compile(r"\w*(?:\.\d\w*)?").match(self.text, stop, self.end)
        whole = tail.end() if tail and tail.group() and tail.group()[0] != "." else stop
        digits, _, fraction = self.text[start:stop].replace("_", "").partition(".")
        if whole > stop:
            written = self.text[start:whole]
            self.unread.append(start)
            self._error("E0109", f"`{written[:40]}` is not a number", start, whole, "malformed",
                        "write digits with at most one point, such as 4_000 or 2.50; names begin with a letter")  # fmt: skip
        elif len(digits) + len(fraction) > MOST_DIGITS:
            self._error("E0109", f"a number has more than {MOST_DIGITS} digits", start, stop, "too long")
            self.unread.append(start)
            digits, fraction = digits[:1], ""
        self._push("NUMBER", start, whole, (int(digits + fraction), len(fraction)))
        return whole

    def _string(self, kind: str, start: int, stop: int) -> None:
        if kind == "QUOTED" and not self.in_hole:
            inside = self.text[start + 1 : stop - 1]
            fix = Fix(Span(start, stop), f'"{inside}"') if '"' not in inside else None
            self._error("E0104", "a text stands between double quotes", start, stop, "single quotes",
                        "single quotes are for texts inside the holes of a prompt", fix)  # fmt: skip
            kind = "STRING"
        quotes = 3 if kind == "LONG_STRING" else 1
        value, mistakes = decode(self.text, start + quotes, stop - quotes)
        for at, length in () if self.in_hole else mistakes:  # the prompt around a hole told of its escapes
            self._error("E0107", f"`{self.text[at : at + length]}` is not an escape", at, at + length, "unknown",
                        r"""the escapes are \n \t \\ \" \' and \u{1F600}; a backslash itself is \\""",
                        Fix(Span(at, at + 1), r"\\"))  # fmt: skip
        self._push(kind, start, stop, dedent(value) if kind == "LONG_STRING" else value)

    def _punctuation(self, kind: str, start: int, stop: int) -> None:
        character = self.text[start:stop]
        if character in CLOSES:
            self._push(kind, start, stop, self._close(CLOSES[character]))
            return
        if character in ("(", "[", "{"):
            body = character == "{" and self._begins_body()
            token = self._push(kind, start, stop, "body" if body else "bracket")
            self.brackets.append(token)
            if len(self.brackets) == MOST_NESTING + 1:
                self._error("E0106", f"brackets are nested more than {MOST_NESTING} deep", start, stop, "too deep",
                            DEEP_HELP)  # fmt: skip
            return
        self._push(kind, start, stop)

    def _begins_body(self) -> bool:
        previous = self.items[-1] if self.items else None
        if previous is None or previous.type in ("STRING", "RPAR", "RSQB", "NUMBER"):
            return True
        return previous.type == "NAME" and str(previous) not in RESERVED

    def _close(self, opener: str) -> Token | None:
        """Close the nearest bracket of a kind; the bracket that should have been closed before, if there is one."""
        for depth in range(len(self.brackets) - 1, -1, -1):
            if self.brackets[depth] == opener:
                inner = self.brackets[-1] if depth < len(self.brackets) - 1 else None
                del self.brackets[depth:]
                return inner
            if self.brackets[depth].value == "body":
                break
        return None

    def _odd_piece(self, start: int) -> int:
        """A string without an end, or characters that mean nothing: the offset after it."""
        if self.text.startswith('"""', start):
            stop = self._prose_end(start)
            self._error("E0104", 'this text has no closing `"""`', start, start + 3, "opened here")
            self._push("LONG_STRING", start, stop, dedent(self.text[start + 3 : stop]))
            return stop
        opened = _OPEN_STRING.match(self.text, start, self.end)
        if opened:
            quote, kind = self.text[start], "QUOTED" if self.in_hole else "STRING"
            self._error("E0104", f"this text has no closing `{quote}`", start, opened.end(), "opened here",
                        'a text ends on its line; for several lines write """ … """')  # fmt: skip
            self._push(kind, start, opened.end(), self.text[start + 1 : opened.end()].rstrip())
            return opened.end()
        unknown = _UNKNOWN.match(self.text, start, self.end)
        stop = unknown.end() if unknown else start + 1
        self._push("UNKNOWN", start, stop)
        return stop

    def _prose_end(self, start: int) -> int:
        """Where a text over several lines ends that is not closed: before the next line that is a statement."""
        stop = self.text.find("\n", start, self.end)
        while stop >= 0 and not _STATEMENT_LINE.match(self.text, stop + 1, self.end):
            stop = self.text.find("\n", stop + 1, self.end)
        return self.end if stop < 0 else stop
