"""Prompts become tokens and token positions, or a TokenError that shows the prompt."""

from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from causalspec_runtime.language_model.errors import TokenError
from causalspec_runtime.language_model.prompts import LAST, Place, RenderedPrompt, encode, join

CORPUS = ["pay between 2.50 and 17.25 dollars Yes No", "6 5 9 3 8 4 1 7 0"] * 20 + [" Yes", " No", " Maybe"] * 20


def byte_level(post: Any = None, **special: str) -> PreTrainedTokenizerFast:
    """A small byte-level tokenizer, as GPT-2's, Llama 3's and Qwen's are."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if post is not None:
        tokenizer.post_processor = post
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def metaspace() -> PreTrainedTokenizerFast:
    """A tokenizer that marks spaces and puts one before the text, as Llama 2's does."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def render(lower: str, upper: str, before: str = "") -> RenderedPrompt:
    """A prompt with two holes."""
    start = f"{before}pay between "
    middle = f"{start}{lower} and "
    spans = {"lower": (len(start), len(start) + len(lower)), "upper": (len(middle), len(middle) + len(upper))}
    return RenderedPrompt(f"{middle}{upper} dollars", spans)


PROMPTS = [render("2.50", "938.41"), render("938.41", "2.50"), render("2.50", "17.25")]


def spanned(tokenizer: Any, row: int, hole: str) -> str:
    """The text of a hole's tokens."""
    encoded = encode(tokenizer, PROMPTS, ["Yes", "No"])
    first, last = encoded.positions(Place(hole, 0)), encoded.positions(Place(hole, -1))
    ids = encoded.ids[row, encoded.ids.shape[1] - int(encoded.lengths[row]) :]
    return str(tokenizer.decode(ids[int(first[row]) : int(last[row]) + 1]))


@pytest.mark.parametrize("make", [byte_level, metaspace])
def test_hole_becomes_the_tokens_of_its_value(make: Any) -> None:
    """Tokens are found by characters, whatever comes before them and however long they are."""
    tokenizer = make()
    for row, prompt in enumerate(PROMPTS):
        for hole, (start, end) in prompt.spans.items():
            assert spanned(tokenizer, row, hole).strip() == prompt.text[start:end]


def test_prompts_are_padded_on_the_left_with_their_own_ids() -> None:
    """Without padding the ids are what the tokenizer gives."""
    tokenizer = byte_level()
    encoded = encode(tokenizer, PROMPTS, ["Yes", "No"])
    for row, prompt in enumerate(PROMPTS):
        length = int(encoded.lengths[row])
        assert encoded.ids[row, -length:].tolist() == tokenizer(prompt.text)["input_ids"]
        assert int(encoded.positions(LAST)[row]) == length - 1
    assert len(set(encoded.lengths.tolist())) > 1


def test_answers_are_single_tokens_after_one_space() -> None:
    """The answer's token is the one that follows the prompt in the joined text."""
    tokenizer = byte_level()
    encoded = encode(tokenizer, PROMPTS, ["Yes", "No"])
    assert [tokenizer.decode([token]) for token in encoded.answer_ids.tolist()] == [" Yes", " No"]
    assert join("a", "b") == "a b" and join("a\n", "b") == "a\nb"


def test_special_tokens_before_count_and_after_do_not() -> None:
    """A BOS shifts positions; an EOS is taken off."""
    post = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    plain, special = (encode(byte_level(kind), PROMPTS, ["Yes", "No"]) for kind in (None, post))
    assert (special.lengths == plain.lengths + 1).all()
    assert (special.positions(Place("lower", 0)) == plain.positions(Place("lower", 0)) + 1).all()
    assert special.shown[0] == "<s>" and "</s>" not in special.shown
    assert special.answer_ids.tolist() == plain.answer_ids.tolist()


def test_padding_is_the_pad_token_else_the_end_token_else_zero() -> None:
    """Padding is never attended to, so any id does."""
    short = int(encode(byte_level(), PROMPTS, ["Yes"]).lengths.argmin())
    assert encode(byte_level(), PROMPTS, ["Yes"]).ids[short, 0] == 0
    assert encode(byte_level(eos_token="</s>"), PROMPTS, ["Yes"]).ids[short, 0] == 1
    assert encode(byte_level(eos_token="</s>", pad_token="<pad>"), PROMPTS, ["Yes"]).ids[short, 0] == 2


def test_truncation_and_padding_set_on_the_tokenizer_are_ignored() -> None:
    """Prompts are never cut, and the tokenizer is left as it was."""
    tokenizer = byte_level()
    tokenizer.backend_tokenizer.enable_truncation(3)
    assert int(encode(tokenizer, PROMPTS, ["Yes"]).lengths.min()) > 3
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 3


def test_inner_token_and_offset_places() -> None:
    """`hole[i]` counts from the first token; an offset goes on from there."""
    encoded = encode(byte_level(), PROMPTS, ["Yes"])
    first = encoded.positions(Place("upper", 0))
    assert torch.equal(encoded.positions(Place("upper", -1, 1)), encoded.positions(Place("upper", -1)) + 1)
    assert torch.equal(encoded.positions(Place("upper", 0, 1)), first + 1)
    assert str(Place("upper", 1)) == "upper[1]" and str(LAST) == "last" and str(Place("a", 0, 1)) == "a.first + 1"


def test_token_that_a_prompt_lacks_is_told_with_that_prompt() -> None:
    """A hole of fewer tokens in some prompt has no `hole[9]` there."""
    with pytest.raises(TokenError, match=r"`lower\[9\]` is no token") as caught:
        encode(byte_level(), PROMPTS, ["Yes"]).positions(Place("lower", 9))
    assert caught.value.prompt in [prompt.text for prompt in PROMPTS]


def test_token_over_the_edge_of_a_hole_is_an_error() -> None:
    """`be|tween` is one token, so neither part has tokens of its own."""
    text = "pay between dollars"
    for span in ((4, 6), (6, 11)):
        with pytest.raises(TokenError, match="no token of its own: the token ` between`") as caught:
            encode(byte_level(), [RenderedPrompt(text, {"part": span})], ["Yes"])
        assert caught.value.prompt == text


def test_empty_hole_is_an_error() -> None:
    """A value printed as nothing fills no token."""
    with pytest.raises(TokenError, match="`part` fills no token"):
        encode(byte_level(), [RenderedPrompt("pay dollars", {"part": (4, 4)})], ["Yes"])


def test_merge_over_the_end_of_the_prompt_is_an_error() -> None:
    """A prompt that ends in a space loses it to the answer's token."""
    prompts = [PROMPTS[0], RenderedPrompt(PROMPTS[0].text + " ", PROMPTS[0].spans)]
    with pytest.raises(TokenError, match="merges the end of the prompt") as caught:
        encode(byte_level(), prompts, ["Yes"])
    assert caught.value.prompt.endswith(" ")


def test_answer_of_several_tokens_is_an_error() -> None:
    """The message shows the parts."""
    with pytest.raises(TokenError, match=r"`Zebra` is . tokens"):
        encode(byte_level(), PROMPTS, ["Yes", "Zebra"])


def test_answers_with_one_token_are_an_error() -> None:
    """Two answers must be told apart by their token."""
    with pytest.raises(TokenError, match="begin with the same token"):
        encode(byte_level(), PROMPTS, ["Yes", "Yes"])


def test_selected_prompts_are_padded_no_more_than_needed() -> None:
    """Rows keep ids, lengths and holes."""
    encoded = encode(byte_level(), PROMPTS, ["Yes"])
    row = int(encoded.lengths.argmin())
    chosen = encoded.select(torch.tensor([row]))
    assert chosen.ids.shape[1] == int(encoded.lengths[row])
    assert chosen.positions(Place("upper", 0)) == encoded.positions(Place("upper", 0))[row]
