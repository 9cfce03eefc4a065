"""LMs are loaded frozen, from safetensors only, and what cannot be used is told in words."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
)

from causalspec_runtime.language_model import load as module
from causalspec_runtime.language_model.errors import LmError
from causalspec_runtime.language_model.load import describe, freeze, load, randomize


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a word."""
    words = {word: index for index, word in enumerate(["<unk>", "Yes", "No", "a", "b"])}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")


def llama() -> Any:
    """A Llama with random weights and tied embeddings."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=16,
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            tie_word_embeddings=True,
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved LM."""
    llama().save_pretrained(tmp_path / "lm")
    tokenizer().save_pretrained(tmp_path / "lm")
    return tmp_path / "lm"


def test_loaded_lm_is_frozen(folder: Path) -> None:
    """No weight asks for a gradient, dropout is off, the blocks are found."""
    lm = load("path", str(folder))
    assert not lm.model.training and not any(weight.requires_grad for weight in lm.model.parameters())
    assert (lm.n_layers, lm.width, lm.dtype) == (2, 8, torch.float32)
    assert lm.blocks is lm.model.model.layers
    assert lm.tokenizer("a b")["input_ids"] == [3, 4]


def test_dtype_is_as_asked(folder: Path) -> None:
    """A name of a type, or an error that lists them."""
    assert load("path", str(folder), dtype="bfloat16").dtype == torch.bfloat16
    with pytest.raises(LmError, match="no dtype named `int8`"):
        load("path", str(folder), dtype="int8")


def test_description_needs_no_weights(folder: Path) -> None:
    """Layers, width and tokenizer come from configuration files."""
    (folder / "model.safetensors").unlink()
    layers, width, words = describe("path", str(folder))
    assert (layers, width, words("a")["input_ids"]) == (2, 8, [3])


def test_embedded_lm_goes_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name lists those there are."""
    monkeypatch.setattr(module, "EMBEDDED", folder.parent)
    assert load("embedded", "lm").n_layers == 2
    for name in ("small", "../lm", ""):
        with pytest.raises(LmError, match="no embedded LM named") as caught:
            load("embedded", name)
        assert caught.value.hint == "there are: lm"


def test_digest_names_weights_configuration_and_tokenizer(folder: Path) -> None:
    """It is the same on every loading and changes with any of the three, not with the folder's name."""
    first = load("path", str(folder)).digest
    moved = folder.rename(folder.parent / "moved")
    assert load("path", str(moved)).digest == first
    weights = load_file(moved / "model.safetensors")
    changed = {**weights, "model.norm.weight": weights["model.norm.weight"] + 1}
    save_file(changed, moved / "model.safetensors", metadata={"format": "pt"})
    second = load("path", str(moved)).digest
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    third = load("path", str(moved)).digest
    text = (moved / "tokenizer.json").read_text()
    (moved / "tokenizer.json").write_text(text.replace('"a": 3', '"c": 3'))
    assert len({first, second, third, load("path", str(moved)).digest}) == 4


def test_random_weights_keep_the_architecture(folder: Path) -> None:
    """Fresh weights follow the seed and leave global random numbers alone."""
    lm = load("path", str(folder))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fresh, again, other = randomize(lm, 1), randomize(lm, 1), randomize(lm, 2)
    assert torch.equal(torch.rand(1), expected)
    assert fresh.digest == again.digest and len({lm.digest, fresh.digest, other.digest}) == 3
    assert fresh.model.config.to_dict() == lm.model.config.to_dict() and not fresh.model.training
    assert not any(weight.requires_grad for weight in fresh.model.parameters())


def test_blocks_are_found_whatever_they_are_called() -> None:
    """GPT-2 calls them h."""
    lm = freeze(GPT2LMHeadModel(GPT2Config(vocab_size=16, n_embd=8, n_layer=3, n_head=2)), tokenizer(), "gpt2")
    assert lm.blocks is lm.model.transformer.h


def test_folder_that_is_none_or_no_lm_is_told(tmp_path: Path) -> None:
    """Missing folders, folders without a configuration, configurations of nothing."""
    with pytest.raises(LmError, match="no folder at"):
        load("path", str(tmp_path / "none"))
    with pytest.raises(LmError, match=r"it has no config\.json"):
        load("path", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(LmError, match="not a language model"):
        load("path", str(tmp_path))


@pytest.mark.parametrize("config", [BertConfig(), T5Config(), LlamaConfig(architectures=["LlamaModel"])])
def test_lm_that_is_not_causal_is_told(folder: Path, config: Any) -> None:
    """An encoder has no next token; a model without its head would get a random one."""
    config.save_pretrained(folder)
    with pytest.raises(LmError, match="not a causal language model"):
        load("path", str(folder))


def test_missing_tokenizer_is_told(folder: Path) -> None:
    """An LM without tokenizer.json has no offsets."""
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(LmError, match="tokenizer"):
        load("path", str(folder))


def test_pickled_weights_are_never_read(folder: Path) -> None:
    """A .bin file is refused, whatever is in it."""
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    with pytest.raises(LmError, match="no weights as safetensors"):
        load("path", str(folder))


def test_broken_weights_are_told(folder: Path) -> None:
    """A cut file is an LmError, not a traceback."""
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(LmError, match=r"safetensors|cannot be read"):
        load("path", str(folder))


def test_missing_weights_are_told(folder: Path) -> None:
    """A weight that the files lack is never made up."""
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(LmError, match=r"lacks weights: model\.norm\.weight"):
        load("path", str(folder))


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    """`auto_map` of a configuration is not followed."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    assert load("path", str(folder)).n_layers == 2


def test_offloaded_layers_are_refused() -> None:
    """Training would read them from disk at every step."""
    model = llama()
    model.hf_device_map = {"model.embed_tokens": "cpu", "model.layers.0": "disk"}
    with pytest.raises(LmError, match="does not fit"):
        freeze(model, tokenizer(), "big")


@pytest.mark.parametrize(
    ("layers", "message"), [(1, "leaves out: model.layers.1"), (3, "lacks weights: model.layers.2")]
)
def test_a_configuration_of_other_depth_is_refused(folder: Path, layers: int, message: str, capfd: Any) -> None:
    """Neither a truncated LM nor one with fresh layers is run; nothing but the error is printed."""
    path = folder / "config.json"
    changed = json.loads(path.read_text()) | {"num_hidden_layers": layers, "layer_types": None}
    path.write_text(json.dumps(changed))
    with pytest.raises(LmError, match=message):
        load("path", str(folder))
    assert "LOAD REPORT" not in "".join(capfd.readouterr())
