"""Lay out a spec in the one style: `causalspec fmt`.

In: a spec. Out: its text in the style, or what is wrong with its syntax.
Invariant: only blanks and line ends change, and comments keep their order, so that the tree is the same up to its
spans; formatting twice is formatting once. Built on tokens and brackets: a new form of the language needs nothing here.

The style: two spaces a level; at most one empty line, where one was written; one space around operators. What was
opened with a line end stays open, what does not fit in 120 columns is opened, everything else is on one line. A line
end before then, else, and, or stays, too. Neighbouring one-line declarations of a kind are aligned at `=` or `{`, and
comments after neighbouring lines at `#`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from causalspec.diagnostics import Diagnostic, Report
from causalspec.span import Source
from causalspec.syntax._pieces import Gap, Group, Leaf, Node, flat, joined, statements
from causalspec.syntax.lexer import JOINS, tokenize
from causalspec.syntax.parse import parse
from causalspec.syntax.token import Token

WIDTH = 120
INDENT = 2
_WEAKEST_FIRST = (frozenset(("then", "else")), frozenset(("or",)), frozenset(("and",)))


def format_spec(source: Source) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The spec's text in the style; None where it has syntax errors, which are told."""
    report = Report(source)
    parse(source, report)
    if report.failed:
        return None, report.sorted()
    text = source.text.removeprefix("\ufeff").replace("\r\n", "\n")
    tokens = _tokens(text)
    layout = _Layout()
    layout.file(*statements(text, tokens))
    result = "".join(f"{line}\n" for line in layout.rendered())
    if result != text and _meaning(_tokens(result)) != _meaning(tokens):
        raise AssertionError(f"formatting {source.name} would change what it says")
    return result, ()


def one_line(text: str) -> str:
    """An expression on one line in the style, without its comments."""
    return joined(text, _tokens(text))


def _tokens(text: str) -> list[Token]:
    return tokenize(text, 0, len(text), Report(Source("", ""))).items


def _meaning(tokens: Sequence[Token]) -> list[str]:
    """The tokens, less the line ends that a body may begin and end with."""
    kept: list[str] = []
    for token in tokens:
        text = str(token)
        if kept and kept[-1] == "\n" and text in ("}", ""):
            kept.pop()
        if text != "\n" or (kept and kept[-1] != "{"):
            kept.append(text)
    return kept


@dataclass(slots=True)
class _Line:
    """A line of the result; its text has line ends where a string has."""

    indent: int
    text: str = ""
    comment: str = ""  # after the text
    opens: bool = False  # no empty line follows
    keyword: str = ""  # of a one-line declaration that may be aligned
    mark: int = 0  # where it is aligned, in its text

    @property
    def column(self) -> int:
        """Where the text ends."""
        last = self.text.rfind("\n")
        return self.indent + len(self.text) if last < 0 else len(self.text) - last - 1


@dataclass(slots=True)
class _Layout:
    lines: list[_Line] = field(default_factory=list)

    def file(self, items: Sequence[list[Node]], end: Gap) -> None:
        for item in items:
            count = len(self.lines)
            self._statement(item, 0)
            written = [line for line in self.lines[count:] if line.text and line.text[0] != "#"]
            if len(written) == 1:
                _mark(written[0], item)
        self._gap(end, 0, blanks=True)
        while self.lines and not self.lines[-1].text:
            self.lines.pop()

    def rendered(self) -> Iterator[str]:
        """The lines, aligned."""
        _align_declarations(self.lines)
        for (commented, indent), run in groupby(self.lines, lambda line: (bool(line.comment), line.indent)):
            lines = list(run)
            column = max(line.column for line in lines) + 2
            aligned = commented and all(column + len(line.comment) <= WIDTH for line in lines)
            for line in lines:
                code = " " * indent + line.text if line.text else ""
                gap = " " * (column - line.column if aligned else 2) if commented else ""
                yield f"{code}{gap}{line.comment}"

    def _start(self, indent: int) -> None:
        self.lines.append(_Line(indent))

    def _add(self, text: str, space: bool) -> None:
        line = self.lines[-1]
        line.text += f" {text}" if space and line.text else text

    def _gap(self, gap: Gap, indent: int, *, blanks: bool) -> None:
        """The comments before a token that begins a line, and an empty line where one was written and may be."""
        for comment in gap.comments:
            if not comment.own_line and self.lines and not self.lines[-1].comment:
                self.lines[-1].comment = comment.text
                continue
            if blanks and comment.blank:
                self._blank()
            self.lines.append(_Line(indent, comment.text))
        if blanks and gap.blank:
            self._blank()

    def _blank(self) -> None:
        if self.lines and self.lines[-1].text and not self.lines[-1].opens:
            self._start(0)

    def _statement(self, nodes: Sequence[Node], indent: int) -> None:
        """A statement, or a row of an opened bracket, beginning on a line of its own."""
        self._gap(nodes[0].gap, indent, blanks=True)
        self._start(indent)
        begin = 0
        for index in range(1, len(nodes) + 1):
            if index == len(nodes) or _breaks(nodes[index]):
                if begin:
                    self._gap(nodes[begin].gap, indent + INDENT, blanks=False)
                    self._start(indent + INDENT)
                self._stretch(nodes[begin:index], indent + INDENT)
                begin = index

    def _stretch(self, nodes: Sequence[Node], further: int) -> None:
        """Nodes without a line end of their own between them: one is put before the weakest words where they are too wide."""
        line = self.lines[-1]
        whole = flat(nodes)
        if whole is not None and line.indent + len(whole) <= WIDTH:
            self._add(whole, space=False)
            return
        if not self._fits(nodes):
            present = {node.text for node in nodes[1:] if isinstance(node, Leaf)}
            weakest = next((words for words in _WEAKEST_FIRST if words & present), None)
            if weakest is not None:
                self._split(nodes, weakest, further)
                return
        for index, node in enumerate(nodes):
            if isinstance(node, Leaf):
                self._add(node.text, node.space)
            elif node.flat is not None and self.lines[-1].column + _width_from(nodes, index) <= WIDTH:
                self._add(node.flat, node.space)
            else:
                self._open(node)

    def _split(self, nodes: Sequence[Node], words: frozenset[str], further: int) -> None:
        begin = 0
        for index in range(1, len(nodes) + 1):
            if index == len(nodes) or (isinstance(node := nodes[index], Leaf) and node.text in words):
                if begin:
                    self._start(further)
                self._stretch(nodes[begin:index], further)
                begin = index

    def _fits(self, nodes: Sequence[Node]) -> bool:
        """Whether nodes fit where they are opened only at brackets that have to be."""
        line = self.lines[-1]
        column = line.column
        for node in nodes:
            text = node.flat
            if text is None and isinstance(node, Leaf):
                first, _, last = node.text.rpartition("\n")
                if column + 1 + len(first.partition("\n")[0]) > WIDTH:
                    return False
                column = len(last)
            elif text is None and isinstance(node, Group):
                if column + len(node.opener.text) + node.space > WIDTH:
                    return False
                column = line.indent + len(node.closer.text)
            elif text is not None:
                column += len(text) + node.space
        return column <= WIDTH

    def _open(self, group: Group) -> None:
        self._add(group.opener.text, group.space)
        indent = self.lines[-1].indent
        self.lines[-1].opens = True
        for item in group.items if group.body else _rows(group, indent + INDENT):
            self._statement(item, indent + INDENT)
        self._gap(group.closer.gap, indent + INDENT, blanks=True)
        if not self.lines[-1].text:
            self.lines.pop()
        self._start(indent)
        self._add(group.closer.text, space=False)


def _breaks(node: Node) -> bool:
    """Whether a line ends before a node: for a comment, or as written before then, else, and, or."""
    return bool(node.gap.comments) or (node.gap.broken and isinstance(node, Leaf) and node.text in JOINS)


def _width_from(nodes: Sequence[Node], index: int) -> int:
    """How much stands on the line from a node on, up to the next bracket that could be opened."""
    node = nodes[index]
    width = len(node.flat or "") + node.space
    for after in nodes[index + 1 :]:
        if isinstance(after, Group):
            return width + after.space + len(after.opener.text)
        width += after.space + len(after.text.partition("\n")[0])
        if "\n" in after.text:
            break
    return width


def _rows(group: Group, indent: int) -> list[list[Node]]:
    """The lines of an opened bracket: as written after its commas where that fits, else an item a line."""
    if not group.opened:
        return group.items
    rows: list[list[Node]] = []
    for item in group.items:
        if rows and not item[0].gap.broken:
            rows[-1].extend(item)
        else:
            rows.append(list(item))
    fit = all(len(row_text) + indent <= WIDTH for row in rows if (row_text := flat(row)) is not None)
    return rows if fit else group.items


def _mark(line: _Line, nodes: Sequence[Node]) -> None:
    """Note where a one-line declaration may be aligned with its neighbours: at its first `=`, or its body."""
    if line.opens or "\n" in line.text:
        return
    column = 0
    for index, node in enumerate(nodes):
        text = node.flat or ""
        if index and (text == "=" or (isinstance(node, Group) and node.body)):
            line.keyword, line.mark = f"{nodes[0].flat} {text[:1]}", column + 1
            return
        column += len(text) + (node.space and index > 0)


def _align_declarations(lines: Sequence[_Line]) -> None:
    for keyword, group in groupby(lines, lambda line: line.keyword):
        run = list(group)
        mark = max(line.mark for line in run)
        if keyword and all(line.column + mark - line.mark <= WIDTH for line in run):
            for line in run:
                line.text = line.text[: line.mark] + " " * (mark - line.mark) + line.text[line.mark :]
