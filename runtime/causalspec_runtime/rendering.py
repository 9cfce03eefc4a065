"""Print prompts: a task's text with the values of its holes.

In: a task and columns of its inputs and lets. Out: `RenderedPrompt`s with the characters of every hole.
Invariant: a span's characters are exactly those of its hole's value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from causalspec.semantics.hypothesis import Hole, Task
from causalspec_runtime.counterfactuals import Columns
from causalspec_runtime.counterfactuals.faults import Words as Codes
from causalspec_runtime.counterfactuals.printing import printed_parts, template_of
from causalspec_runtime.language_model.errors import TokenError
from causalspec_runtime.language_model.prompts import RenderedPrompt


def render(task: Task, columns: Columns, words: Codes, spans: Collection[str] = ()) -> list[RenderedPrompt]:
    """One prompt a row of the columns, with the places of the holes named in `spans`."""
    printed = printed_parts(task, columns, words)
    return [
        _prompt(task.templates[template], printed[template], row, spans)
        for row, template in enumerate(template_of(task, columns, words))
    ]


def chat(prompts: list[RenderedPrompt], tokenizer: Any) -> list[RenderedPrompt]:
    """The prompts inside the tokenizer's chat template, as the user's turn; its own first token is left to it."""
    return [_turn(prompt, tokenizer) for prompt in prompts]


def _turn(prompt: RenderedPrompt, tokenizer: Any) -> RenderedPrompt:
    turn = [{"role": "user", "content": prompt.text}]
    if not tokenizer.chat_template:
        raise TokenError("this LM's tokenizer has no chat template", "leave out `chat = true`, or take a chat LM")
    text = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
    first = tokenizer.bos_token
    if first and text.startswith(first):
        text = text[len(first) :]
    shift = text.find(prompt.text)
    if shift < 0:
        raise TokenError("the chat template changes the prompt", "end it without white space", prompt.text)
    return RenderedPrompt(text, {name: (start + shift, end + shift) for name, (start, end) in prompt.spans.items()})


def _prompt(
    template: Sequence[str | Hole], printed: Sequence[Sequence[str]], row: int, wanted: Collection[str]
) -> RenderedPrompt:
    pieces: list[str] = []
    spans: dict[str, tuple[int, int]] = {}
    at = 0
    for part, texts in zip(template, printed, strict=True):
        text = texts[row]
        if isinstance(part, Hole) and part.name in wanted:
            spans[part.name] = (at, at + len(text))
        pieces.append(text)
        at += len(text)
    return RenderedPrompt("".join(pieces), spans)
