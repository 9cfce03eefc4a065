"""The inside of string literals: escapes, and the indentation of texts over several lines.

Invariant: never raises; offsets are into the text the literal was cut from.
"""

from __future__ import annotations

import re
import unicodedata

ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'", "\n": ""}


def unescape(match: re.Match[str]) -> str | None:
    """What an escape stands for; None where there is no such escape."""
    if match.group(1) is None:
        return _SIMPLE.get(match.group(2))
    number = int(match.group(1), 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else None


def decode(text: str, start: int, end: int) -> tuple[str, list[tuple[int, int]]]:
    """The value of a literal's inside, and the place and length of every escape that is none."""
    inside = text[start:end].replace("\r\n", "\n")
    if "\\" not in inside:
        return inside, []
    pieces: list[str] = []
    mistakes: list[tuple[int, int]] = []
    position = start
    for match in ESCAPE.finditer(text, start, end):
        value = unescape(match)
        if value is None:
            mistakes.append((match.start(), match.end() - match.start()))
        pieces += [text[position : match.start()], match.group() if value is None else value]
        position = match.end()
    pieces.append(text[position:end])
    return "".join(pieces).replace("\r\n", "\n"), mistakes


def indentation(lines: list[str]) -> int:
    """The number of white-space characters that all lines but the first share at their start."""
    widths = [len(line) - len(line.lstrip(" \t")) for line in lines[1:] if line.strip()]
    return min(widths, default=0)


def dedent(value: str) -> str:
    """A text over several lines without its common indentation, first line end and last line's indentation."""
    lines = value.split("\n")
    width = indentation(lines)
    kept = [lines[0], *(line[width:] if line.strip() else "" for line in lines[1:])]
    if len(kept) > 1 and not kept[0].strip():
        del kept[0]
    if len(kept) > 1 and not kept[-1].strip():
        del kept[-1]
    return "\n".join(kept)


def shown(character: str) -> str:
    """A character that cannot be seen, as its number and name."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")
