"""Go on after a syntax error: repair one token where that makes the line good, else skip to the next statement.

In: the parser's stacks and the tokens. Out: where to go on, the stacks made to fit; one diagnostic an error.
Invariant: the next token fits the stack that is left, so the same error is never met twice.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from causalspec.diagnostics import Report
from causalspec.record import record
from causalspec.span import Span
from causalspec.syntax import ast
from causalspec.syntax._table import Stacks, Table
from causalspec.syntax.expected import Problem, planned_at, tell
from causalspec.syntax.lexer import DECLARATIONS, DEEP_HELP, MOST_NESTING, RESERVED, STATEMENTS, Tokens
from causalspec.syntax.token import Token

# what may be put in where it is missing, the likeliest first
INSERTED = {
    "FOR": "for", "ON": "on", "RPAR": ")", "RSQB": "]", "COMMA": ",", "VBAR": "|", "EQUAL": "=", "COLON": ":", "LBRACE": "{",
    "ARROW": "->", "THEN": "then", "RANGE": "..", "IN": "in", "RBRACE": "}", "NEWLINE": "\n", "INPUT": "input",
    "VAR": "var", "LET": "let",
}  # fmt: skip
# what is written by habit from elsewhere, and what it is here
LOOKALIKES = {
    "==": (("EQUAL", "="),), "=": (("COMPARE", "=="), ("COLON", ":")), ":=": (("EQUAL", "="),),
    ":": (("EQUAL", "="), ("RANGE", ".."), ("IN", "in"), ("ARROW", "->"), ("LBRACE", "{")), ",": (("VBAR", "|"),),
    ";": (("COMMA", ","), ("NEWLINE", "\n")), "&&": (("AND", "and"),), "||": (("OR", "or"),), "!": (("NOT", "not"),),
    "===": (("COMPARE", "=="),), "=!": (("COMPARE", "!="),), "<>": (("COMPARE", "!="),), "is": (("COMPARE", "=="),),
    "or": (("VBAR", "|"),), "/": (("VBAR", "|"),), "to": (("RANGE", ".."),), "...": (("RANGE", ".."),),
    "at": (("ON", "on"),), "of": (("FOR", "for"),), "extends": (("FOR", "for"),), "assert": (("REQUIRE", "require"),),
    "const": (("LET", "let"),), "variable": (("VAR", "var"),),
    "≤": (("COMPARE", "<="),), "≥": (("COMPARE", ">="),), "≠": (("COMPARE", "!="),), "−": (("SIGN", "-"),),
    "–": (("SIGN", "-"),), "×": (("SCALE", "*"),), "·": (("SCALE", "*"),), "→": (("ARROW", "->"),),
    "…": (("RANGE", ".."),), "=>": (("COMPARE", ">="), ("ARROW", "->")), "=<": (("COMPARE", "<="),),
}  # fmt: skip
# words that begin a statement elsewhere, and what that is here
MEANT = {"return": "output", "assert": "require", "def": "var", "const": "let"}
HARMLESS = frozenset([")", "]", "}", ":", "="])  # without these a statement says the same
MOST_TOLD = 500  # diagnostics of a file
_LOOKAHEAD = 400  # tokens; a line that is longer counts as good


@record
class Repair:
    """Feed these tokens, then go on at a position; `kind` is swap, insert, delete."""

    kind: str
    fed: tuple[Token, ...]
    position: int


@dataclass(slots=True)
class Recovery:
    """Recovery within one run of the parser, whose stacks it shares."""

    tokens: Tokens
    report: Report
    stacks: Stacks
    broken: list[ast.Broken] = field(default_factory=list)  # the statements that were dropped

    def report_at(self, position: int) -> Repair | None:
        """Tell what is wrong at a token, unless the lexer told of that line; the repair, if one is found."""
        repair = self._repair(position)
        if not self._told(position):
            stack = self.stacks.states
            expected = frozenset(
                name for name in self.table.states[stack[-1]] if not name.islower() and self.stacks.after(name, stack)
            )
            problem = Problem(self.tokens.items, position, expected, tuple(self.stacks.values), self.stacks.start)
            edit = (repair.kind, str(repair.fed[0]) if repair.fed else "") if repair else ("", "")
            if not (edit == ("insert", "}") and problem.opener_made):  # the missing `{` was told
                tell(self.report, problem, *edit, tuple(self._close_keywords(position) or self._alike(position)))
        return repair

    def recover(self, position: int) -> int:
        """Tell of the error at a token and make the stacks fit; the position to go on from.

        After MOST_TOLD errors nothing more is told: the text is no spec.
        """
        if len(self.report.items) >= MOST_TOLD:
            return self._skip(position)
        repair = self.report_at(position)
        if repair is None:
            return self._skip(position)
        for token in repair.fed:
            self.stacks.feed(token)
        if repair.kind == "delete" and str(self.tokens.items[position]) not in HARMLESS:
            self.tokens.unread.append(self.tokens.items[position].start)
        return repair.position

    def too_deep(self, position: int) -> int:
        """Tell of a statement that nests too deep and drop it; the position to go on from."""
        if not self._told(position):
            self.report.add("E0106", f"this is nested more than {MOST_NESTING} deep", self.tokens.items[position].span,
                            "too deep", help=DEEP_HELP)  # fmt: skip
        return self._skip(position)

    @property
    def table(self) -> Table:
        return self.stacks.table

    # --- what the parser would do ---

    def typed(self, token: Token, state: int) -> str:
        """The terminal a token is in a parser state."""
        if token.type == "NAME":
            keyword = self.table.keywords.get(str(token))
            if keyword is not None and (keyword in self.table.states[state] or str(token) in RESERVED):
                return keyword
        return token.type

    def _line_fits(self, stack: list[int] | None, position: int) -> bool:
        """Whether the rest of the line is good after a state stack."""
        for token in self.tokens.items[position : position + _LOOKAHEAD]:
            if stack is None:
                return False
            kind = self.typed(token, stack[-1])
            stack = self.stacks.after(kind, stack)
            if kind in ("NEWLINE", "$END"):
                break
        return stack is not None

    # --- repairs ---

    def _repair(self, position: int) -> Repair | None:
        if planned_at(self.tokens.items, position, self.stacks.values):
            return None
        return self._swap(position) or self._insert(position) or self._delete(position)

    def _swap(self, position: int) -> Repair | None:
        token, stack = self.tokens.items[position], self.stacks.states
        swaps = [(self.table.keywords[word], word) for word in self._close_keywords(position)]
        swaps += LOOKALIKES.get(str(token), ())
        for kind, text in swaps:
            if kind == "COMPARE" and self._writes("EXAMPLE"):  # its `=` gives values
                continue
            if self._line_fits(self.stacks.after(kind, stack), position + 1):
                fed = token.retyped(kind, text)
                fed.value = "body" if kind == "LBRACE" else None
                return Repair("swap", (fed,), position + 1)
        return None

    def _alike(self, position: int) -> list[str]:
        """What a mark may have been meant as, where the rest of the line is wrong too."""
        swaps = LOOKALIKES.get(str(self.tokens.items[position]), ())
        if self.stacks.after("THEN"):
            return []
        return [text for kind, text in swaps if text not in ("\n", "{", ":") and self.stacks.after(kind)]

    def _writes(self, kind: str) -> bool:
        """Whether the statement that is being written begins with a keyword."""
        inside = self.stacks.values[self._body() or 0 :]
        return any(isinstance(value, Token) and value.type == kind for value in inside)

    def _close_keywords(self, position: int) -> list[str]:
        """The keywords that fit and are spelt nearly like the word at a position, the nearest first."""
        token = self.tokens.items[position]
        if token.type != "NAME" or (self._body() is None and self._is_stray(position)):
            return []
        from difflib import get_close_matches

        stack = self.stacks.states
        fitting = [word for word, kind in self.table.keywords.items() if self.stacks.after(kind, stack)]
        return get_close_matches(str(token).lower()[:40], fitting, 2, 0.6)

    def _insert(self, position: int) -> Repair | None:
        stack = self.stacks.states
        found = self.tokens.items[position].type
        for kind, text in INSERTED.items():
            after = self.stacks.after(kind, stack)
            if after is None or (kind, found) == ("THEN", "LBRACE") or (kind == "LET" and self._takes("VAR")):
                continue
            if self._line_fits(after, position):
                return Repair("insert", (self._made(kind, text, position),), position)
            if kind == "RBRACE" and self._begins_declaration(position):
                fed = (self._made(kind, text, position), self._made("NEWLINE", "\n", position))
                return Repair("insert", fed, position)
        return None

    def _made(self, kind: str, text: str, position: int) -> Token:
        items = self.tokens.items
        before = items[position - 1] if position else None
        if before is not None and before.type == "NEWLINE" and position > 1:
            before = items[position - 2]
        at = before.end if before is not None else 0
        return Token(kind, text, at, at, "body" if kind == "LBRACE" else None)

    def _delete(self, position: int) -> Repair | None:
        kind = self.tokens.items[position].type
        if kind in ("NEWLINE", "$END") or (kind == "RBRACE" and self._body() is not None):
            return None
        if self._line_fits(self.stacks.states, position + 1):
            return Repair("delete", (), position + 1)
        return None

    def _told(self, position: int) -> bool:
        """Whether the lexer reported something on the same line, which then explains the error."""
        items, reported = self.tokens.items, self.tokens.reported
        if not reported:
            return False
        first = last = position
        if items[position].type == "$END":  # the end of the file belongs to the line before it
            first = max(0, position - 1)
        while first > 0 and items[first - 1].type != "NEWLINE":
            first -= 1
        while last < len(items) - 1 and items[last].type != "NEWLINE":
            last += 1
        start, end = items[first].span.start, items[last].span.end
        index = bisect_left(reported, start)
        return index < len(reported) and reported[index] <= end

    # --- panic ---

    def _skip(self, position: int) -> int:
        """Drop the statement: on to the next keyword of the body, its `}`, or the next declaration."""
        items, body, first = self.tokens.items, self._body(), position
        nested, outside = self._open_sets(body), body is None and self._is_stray(first)
        while items[position].type != "$END":
            token = items[position]
            if self._begins_declaration(position):
                self._cut(0, self.table.keywords[str(token)], first)
                return position
            if token.type == "LBRACE":
                nested += 1
            elif token.type == "RBRACE" and nested:
                nested -= 1
            elif token.type == "RBRACE" and body is not None:
                if self._cut(body, "RBRACE", first):
                    return position
                body = None
            elif body is not None and not nested and self._begins_statement(position, body, first):
                return position
            elif outside and position > first:
                self._note_stray(position)
            position += 1
        states = self.stacks.states
        height = len(states) - 1
        while height and self.stacks.after("$END", states[: height + 1]) is None:  # a hole is never empty
            height -= 1
        self._drop(height, first)
        return position

    def _body(self) -> int | None:
        """The height of the value stack just inside the innermost body; None outside of any."""
        values = self.stacks.values
        for index in range(len(values) - 1, -1, -1):
            if isinstance(values[index], Token) and values[index].type == "LBRACE" and values[index].value == "body":
                return index + 1
        return None

    def _open_sets(self, body: int | None) -> int:
        inside = self.stacks.values[body or 0 :]
        return sum(isinstance(value, Token) and value.type == "LBRACE" for value in inside)

    def _begins_line(self, position: int) -> bool:
        if position == 0:
            return True
        before = self.tokens.items[position - 1]
        return before.type == "NEWLINE" or before.value == "body"

    def _begins_declaration(self, position: int) -> bool:
        items = self.tokens.items
        word = str(items[position])
        if word not in DECLARATIONS or not self._begins_line(position) or items[position].type == "STRING":
            return False
        if word == "lm":  # also a setting of an experiment
            return items[min(position + 2, len(items) - 1)].type == "EQUAL" or not self._takes("LM")
        return items[position + 1].type in ("NAME", "STRING", "NUMBER")

    def _takes(self, kind: str) -> bool:
        """Whether a statement of the innermost body may begin with a keyword."""
        body = self._body()
        return body is not None and any(self.table.shifts(state, kind) for state in self.stacks.states[body:])

    def _begins_statement(self, position: int, body: int, first: int) -> bool:
        """Whether a line begins with a keyword of the body; the stacks are cut to fit then."""
        word = str(self.tokens.items[position])
        known = self.tokens.items[position].type == "NAME" and word in self.table.keywords
        return known and self._begins_line(position) and self._cut(body, self.table.keywords[word], first)

    def _cut(self, least: int, kind: str, first: int) -> bool:
        """Shorten the stacks, to a least height of values, until a terminal fits at once."""
        states = self.stacks.states
        for height in range(len(states) - 1, least - 1, -1):
            if self.table.shifts(states[height], kind):
                self._drop(height, first)
                return True
        return False

    def _note_stray(self, position: int) -> None:
        """Note a statement outside of any body, so that the declaration before it need not miss it."""
        if self._is_stray(position) and len(self.broken) < MOST_TOLD:
            rest = self.tokens.items[position + 1 : position + 2]
            self.broken.append(self._noted(self.tokens.items[position], rest, position))

    def _is_stray(self, position: int) -> bool:
        token = self.tokens.items[position]
        return token.type == "NAME" and str(token) in STATEMENTS and self._begins_line(position)

    def _drop(self, height: int, first: int) -> None:
        """Shorten the stacks to a height, and note what was begun there; its error stands at token `first`."""
        begun = [value for value in self.stacks.values[height:] if isinstance(value, Token)]
        begun += self.tokens.items[first : first + 2]
        keyword, *rest = (token for token in begun if token.type != "NEWLINE")
        if str(keyword)[:1].isalpha() and len(self.broken) < MOST_TOLD:
            self.broken.append(self._noted(keyword, rest, first))
        del self.stacks.states[height + 1 :]
        del self.stacks.values[height:]

    @staticmethod
    def _intended(keyword: Token, rest: list[Token]) -> ast.Name | None:
        """The name that a statement was to define: `x` of `let x`, of `x = 1`, of `model "x"`; `a_b` of `model a-b`."""
        match rest:
            case [Token(type="EQUAL" | "COLON"), *_] if keyword.type == "NAME":
                return ast.Name(str(keyword), keyword.span)
            case [Token(type="NAME") as first, Token(type="SIGN") as sign, Token(type="NAME") as last, *_] if (
                first.end == sign.start and sign.end == last.start
            ):
                return ast.Name(f"{first}_{last}", Span(first.start, last.end))
            case [Token(type="NAME") as only, *_]:
                return ast.Name(str(only), only.span)
            case [Token(type="STRING", value=str() as text) as only, *_]:
                return ast.Name(text, only.span)
        return None

    def _noted(self, keyword: Token, rest: list[Token], first: int) -> ast.Broken:
        word = MEANT.get(str(keyword), str(keyword))
        if word not in self.table.keywords:
            from difflib import get_close_matches

            word = (get_close_matches(word[:40], self.table.keywords, 1) or [""])[0]
        name = self._intended(keyword, rest)
        end = self.tokens.items[first].end
        return ast.Broken(word, name, Span(keyword.start, max(end, keyword.end)))
