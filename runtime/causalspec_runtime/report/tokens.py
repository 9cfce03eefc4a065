"""Tokenized prompts for people: a line for each token that has a name, the others in a row.

In: `Tokenized`. Out: text. Invariant: tokens are shown escaped, so that a blank or a line end is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from causalspec.render import escaped
from causalspec_runtime.dataset import NATURAL
from causalspec_runtime.tokens import Token, Tokenized

WIDTH = 100


def text(found: Tokenized, tokenizer: str, convert: dict[int, str]) -> str:
    """The prompts, the answers' tokens (`convert` has their texts), and what the holes are made of."""
    lines = [f"task {found.task}, as {tokenizer} cuts it"]
    for number, prompt in enumerate(found.prompts, start=1):
        lines += ["", f"prompt {number}: {len(prompt)} tokens", *_prompt(prompt)]
    lines.append("")
    for hole, (least, most) in found.lengths.items():
        size = f"{least}" if least == most else f"{least} to {most}"
        lines.append(f"{hole}: {size} token{'' if size == '1' else 's'} in {NATURAL:,} prompts")
    lines += [f"{hole}: {escaped(why)}" for hole, why in found.merged.items()]
    for word, token in found.answers:
        lines.append(f"answer {escaped(word)}: {_quoted(convert[token])} (token {token})")
    return "\n".join(lines)


def _prompt(tokens: tuple[Token, ...]) -> Iterator[str]:
    width = max((len(_quoted(token.text)) for token in tokens if token.names), default=0)
    plain: list[str] = []
    for index, token in enumerate(tokens):
        if not token.names:
            plain.append(_quoted(token.text))
            continue
        yield from _row(index, plain)
        plain = []
        used = f"  <- {', '.join(token.alignments)}" if token.alignments else ""
        yield f"{index:>4}  {_quoted(token.text):<{width}}  {', '.join(token.names)}{used}"
    yield from _row(len(tokens), plain)


def _row(end: int, plain: list[str]) -> Iterator[str]:
    """Tokens without a name, before the token at `end`."""
    if plain:
        first, *more = wrap(" ".join(plain), WIDTH - 6, break_long_words=False, break_on_hyphens=False)
        yield f"{end - len(plain):>4}  {first}"
        yield from (f"      {line}" for line in more)


def _quoted(token: str) -> str:
    return f"'{escaped(token.replace(chr(10), chr(0x23CE)))}'"
