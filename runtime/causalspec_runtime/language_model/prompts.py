"""From rendered prompts with the character ranges of their holes to tokens and token positions.

In: a fast tokenizer, prompts, the answer words. Out: `EncodedPrompts`, or `TokenError` with an example prompt.
Invariant: the ids of a prompt are a prefix of the ids of prompt and answer together, for every answer; a position
never names a token that also covers text outside its hole, other than white space before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from causalspec_runtime.language_model.errors import TokenError

Ints = npt.NDArray[np.int64]
TAIL = 32  # characters: tokens over the end of a prompt depend on no more, back to the next white space


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt's text and the characters that each hole filled, as [start, end)."""

    text: str
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A token by name: the `index`-th of a hole, or of the whole prompt (hole None); −1 is the last."""

    hole: str | None
    index: int
    offset: int = 0  # tokens further on

    def __str__(self) -> str:
        words = {0: "first", -1: "last"}
        shift = f" + {self.offset}" if self.offset else ""
        if self.hole is None:
            return (words[-1] if self.index == -1 else f"[{self.index}]") + shift
        if self.index in words:
            return f"{self.hole}.{words[self.index]}{shift}"
        return f"{self.hole}[{self.index}]{shift}"


LAST = Place(None, -1)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPrompts:
    """N prompts as tokens, padded on the left to T."""

    ids: Tensor  # int64 [N, T]
    lengths: Tensor  # int64 [N], in tokens
    holes: dict[str, tuple[Tensor, Tensor]]  # hole -> first and last token [N], counted without padding
    answer_ids: Tensor  # int64 [answers], the one token of each answer
    shown: tuple[str, ...]  # the tokens of the first prompt, as text
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lengths)

    def positions(self, place: Place) -> Tensor:
        """The token of `place` in every prompt, counted without padding: int64 [N]."""
        first, last = self._range(place.hole)
        found = (first + place.index if place.index >= 0 else last + place.index + 1) + place.offset
        outside = (found < 0) | (found >= self.lengths) if place.offset else (found < first) | (found > last)
        if bool(outside.any()):
            row = int(outside.nonzero()[0])
            raise TokenError(
                f"`{place}` is no token of every prompt: here `{place.hole or 'the prompt'}` has "
                f"{int(last[row] - first[row]) + 1}",
                "its number of tokens differs between prompts; `.first` and `.last` are always there",
                self.texts[row],
                place.hole,
            )
        return found

    def select(self, rows: Tensor) -> "EncodedPrompts":
        """The prompts at `rows`, padded no more than they need."""
        lengths = self.lengths[rows]
        longest = int(lengths.max())
        return EncodedPrompts(
            self.ids[rows, self.ids.shape[1] - longest :],
            lengths,
            {hole: (first[rows], last[rows]) for hole, (first, last) in self.holes.items()},
            self.answer_ids,
            self.shown,
            tuple(self.texts[row] for row in rows.tolist()),
        )

    def _range(self, hole: str | None) -> tuple[Tensor, Tensor]:
        if hole is None:
            return torch.zeros_like(self.lengths), self.lengths - 1
        if hole not in self.holes:
            raise TokenError(f"no hole named `{hole}` in the prompt", f"there are: {', '.join(self.holes)}")
        return self.holes[hole]


def encode(
    tokenizer: Any, prompts: Sequence[RenderedPrompt], answers: Sequence[str], *, chat: bool = False
) -> EncodedPrompts:
    """Tokenize all prompts at once, find their holes' tokens and the token of each answer.

    In a chat template the answer follows at once, else after a space.
    """
    backend = _own_copy(tokenizer)
    texts = tuple(prompt.text for prompt in prompts)
    encodings = backend.encode_batch(list(texts))
    rows = [_without_end(encoding.ids, encoding.special_tokens_mask) for encoding in encodings]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    if not len(lengths) or not lengths.min():
        raise TokenError("a prompt without a token", "the prompt of a task must not be empty", "")
    answer_ids = _answer_ids(backend, texts, rows, answers, "" if chat else " ")
    offsets = _offsets(encodings, lengths)
    holes = {hole: _find(hole, prompts, offsets, encodings) for hole in prompts[0].spans}
    return EncodedPrompts(
        torch.from_numpy(_pad_left(rows, lengths, _padding_id(tokenizer))),
        torch.from_numpy(lengths),
        {hole: (torch.from_numpy(first), torch.from_numpy(last)) for hole, (first, last) in holes.items()},
        torch.tensor(answer_ids, dtype=torch.int64),
        tuple(
            texts[0][start:end] or token
            for token, (start, end) in zip(encodings[0].tokens[: len(rows[0])], encodings[0].offsets, strict=False)
        ),
        texts,
    )


def join(text: str, answer: str, space: str = " ") -> str:
    """Prompt and answer as one text: `space` between them unless the prompt ends in white space."""
    return f"{text}{'' if text[-1:].isspace() else space}{answer}"


def _own_copy(tokenizer: Any) -> Any:
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    return backend


def _without_end(ids: list[int], special: list[int]) -> list[int]:
    end = len(ids)
    while end and special[end - 1]:
        end -= 1
    return ids[:end]


def _padding_id(tokenizer: Any) -> int:
    chosen = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return int(chosen or 0)


def _pad_left(rows: Sequence[list[int]], lengths: Ints, padding: int) -> Ints:
    width = int(lengths.max())
    ids = np.full((len(rows), width), padding, dtype=np.int64)
    ids[_right_aligned(lengths, width)] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return ids


def _right_aligned(lengths: Ints, width: int) -> npt.NDArray[np.bool_]:
    return np.arange(width)[None, :] >= (width - lengths)[:, None]


def _offsets(encodings: Sequence[Any], lengths: Ints) -> Ints:
    """The characters of every token, [N, T, 2], padded on the right with empty ones."""
    offsets = np.zeros((len(lengths), int(lengths.max()), 2), dtype=np.int64)
    real = np.arange(offsets.shape[1])[None, :] < lengths[:, None]
    pairs = zip(encodings, lengths.tolist(), strict=True)
    offsets[real] = np.array([pair for encoding, length in pairs for pair in encoding.offsets[:length]])
    return offsets


def _find(hole: str, prompts: Sequence[RenderedPrompt], offsets: Ints, encodings: Sequence[Any]) -> tuple[Ints, Ints]:
    """First and last token that overlap the hole's characters, each [N]."""
    spans = np.array([prompt.spans[hole] for prompt in prompts], dtype=np.int64)
    starts, ends = offsets[..., 0], offsets[..., 1]
    inside = (starts < spans[:, 1:]) & (ends > spans[:, :1]) & (starts < ends) & (spans[:, :1] < spans[:, 1:])
    if not inside.any(axis=1).all():
        row = int(np.flatnonzero(~inside.any(axis=1))[0])
        raise TokenError(f"`{hole}` fills no token", "its value is printed as an empty text", prompts[row].text, hole)
    first = inside.argmax(axis=1)
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    every = np.arange(len(prompts))
    for row in np.flatnonzero(starts[every, first] < spans[:, 0]).tolist():
        if prompts[row].text[starts[row, first[row]] : spans[row, 0]].strip():
            raise _merged(hole, prompts[row], encodings[row], int(first[row]))
    for row in np.flatnonzero(ends[every, last] > spans[:, 1]).tolist():
        raise _merged(hole, prompts[row], encodings[row], int(last[row]))
    return first.astype(np.int64), last.astype(np.int64)


def _merged(hole: str, prompt: RenderedPrompt, encoding: Any, token: int) -> TokenError:
    start, end = encoding.offsets[token]
    return TokenError(
        f"`{hole}` has no token of its own: the token `{prompt.text[start:end]}` also covers text around it",
        "put a space or another sign between the hole and its neighbour",
        prompt.text,
        hole,
    )


def _answer_ids(
    backend: Any, texts: Sequence[str], rows: Sequence[list[int]], answers: Sequence[str], space: str
) -> list[int]:
    tails = {_tail(text): row for row, text in enumerate(texts)}
    found = [_answer_id(backend, texts, rows, list(tails.values()), answer, space) for answer in answers]
    for index, token in enumerate(found):
        if token in found[:index]:
            twin = answers[found.index(token)]
            raise TokenError(f"the answers `{twin}` and `{answers[index]}` begin with the same token", "", texts[0])
    return found


def _tail(text: str) -> str:
    start = max(len(text) - TAIL, 0)
    while start and not text[start].isspace():
        start -= 1
    return text[start:]


def _answer_id(
    backend: Any, texts: Sequence[str], rows: Sequence[list[int]], chosen: Sequence[int], answer: str, space: str
) -> int:
    """The one token of `answer` after every prompt of `chosen`."""
    together = backend.encode_batch([join(texts[row], answer, space) for row in chosen])
    token: int | None = None
    for row, encoding in zip(chosen, together, strict=True):
        ids, before = _without_end(encoding.ids, encoding.special_tokens_mask), rows[row]
        if ids[: len(before)] != before:
            raise TokenError(
                f"the tokenizer merges the end of the prompt with the answer `{answer}`",
                "end the prompt without white space, or with another sign",
                texts[row],
            )
        _require_single(ids[len(before) :], encoding.tokens[len(before) :], answer, texts[row])
        if token is not None and ids[-1] != token:
            raise TokenError(f"the answer `{answer}` is not the same token after every prompt", "", texts[row])
        token = ids[-1]
    assert token is not None
    return token


def _require_single(ids: Sequence[int], tokens: Sequence[str], answer: str, text: str) -> None:
    if len(ids) != 1:
        parts = ", ".join(f"`{token}`" for token in tokens[: len(ids)])
        raise TokenError(
            f"the answer `{answer}` is {len(ids)} tokens ({parts}); one is needed",
            "choose answer words that the LM's tokenizer knows whole",
            text,
        )
