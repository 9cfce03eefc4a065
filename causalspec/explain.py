"""Say what a diagnostic means: its page, from `pages/CODE.md`.

In: a code. Out: text. A page is Markdown: why it matters, then a wrong and a right example, fenced as `cspec wrong` and
`cspec right`. An example stands in for the declarations of the same names in `pages/frame.cspec`; one that is fenced
as `cspec wrong file` is a whole file.
"""

from __future__ import annotations

import re

from causalspec.codes import CODES, FAMILIES, Code
from causalspec.resources import data_text

_FENCE = re.compile(r"```cspec (wrong|right)( file)?\n(.*?)```\n?", re.DOTALL)


def examples(code: str) -> dict[str, str]:
    """The examples of a code as whole files: `wrong` and `right`; none for a code of run time."""
    found = _FENCE.finditer(data_text("pages", f"{code}.md"))
    return {kind: text if whole else _framed(text) for kind, whole, text in (match.groups() for match in found)}


def _framed(text: str) -> str:
    """The frame with the declarations of an example in the place of its own; new ones come last."""
    kept = {_name(item): item for item in re.split(r"\n(?=\w)", data_text("pages", "frame.cspec"))}
    kept |= {_name(item): item for item in re.split(r"\n(?=\w)", text)}
    return "\n".join(item.rstrip("\n") + "\n" for item in kept.values())


def _name(declaration: str) -> str:
    keyword, name, *_ = declaration.split()
    return keyword if keyword in ("cspec", "claim") else name


def page(code: str) -> str:
    """The page of a code, as plain text."""

    def shown(match: re.Match[str]) -> str:
        return f"{match.group(1).capitalize()}:\n\n" + re.sub(r"^(?=.)", "    ", match.group(3), flags=re.MULTILINE)

    return f"{CODES[code].explanation}\n\n{_FENCE.sub(shown, data_text('pages', f'{code}.md'))}".rstrip()


def markdown(code: str) -> str:
    """The page of a code, as Markdown with a heading."""

    def shown(match: re.Match[str]) -> str:
        return f"{match.group(1).capitalize()}:\n\n```cspec\n{match.group(3)}```\n"

    heading = f"# {code}: {CODES[code].title}\n\n{CODES[code].explanation}\n\n"
    return heading + _FENCE.sub(shown, data_text("pages", f"{code}.md"))


def explained(wanted: str) -> str | None:
    """The page of a code; the codes of a family, of all families for nothing; None where there is no such code."""
    if wanted in CODES:
        return f"{wanted}: {CODES[wanted].title}\n\n{page(wanted)}"
    found = [(prefix, _of(prefix)) for prefix in FAMILIES if prefix.startswith(wanted) or wanted == prefix]
    return "\n\n".join(_listed(prefix, codes) for prefix, codes in found) or None


def _of(prefix: str) -> list[Code]:
    return sorted((code for code in CODES.values() if code.code.startswith(prefix)), key=lambda code: code.code)


def _listed(prefix: str, codes: list[Code]) -> str:
    return "\n".join([f"{prefix} {FAMILIES[prefix]}", *(f"  {code.code}  {code.title}" for code in codes)])
