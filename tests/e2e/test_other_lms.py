"""The same command takes another architecture from a local folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from tests.conftest import ROOT, Call, results_in

TINY = ROOT / "runtime" / "causalspec_runtime" / "language_model" / "embedded" / "tiny"


def test_a_gpt2_folder_runs_where_it_may_be_bad_at_the_task(call: Call, tmp_path: Path) -> None:
    """A random GPT-2 is refused for its accuracy, and with --allow-low-accuracy gives results near the floor."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=995, n_positions=64, n_embd=32, n_layer=3, n_head=2, bos_token_id=1, eos_token_id=1)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TINY / name, tmp_path / "gpt2")
    spec = (ROOT / "specs" / "price_tagging.cspec").read_text(encoding="utf-8")
    spec = spec[: spec.index('claim "')].replace("run left, both, mid, bracket", "run left")
    (tmp_path / "x.cspec").write_text(spec, encoding="utf-8")
    arguments = ("run", tmp_path / "x.cspec", "--lm", f"path:{tmp_path / 'gpt2'}", "--seeds", "0", "--out", tmp_path / "o",
                 "--train", "64", "--validation", "60", "--test", "100")  # fmt: skip
    refused = call(*arguments)
    assert refused.returncode == 2
    assert "the LM cannot do task `price_tagging`" in refused.stderr
    assert not (tmp_path / "o" / "results.json").exists()
    ran = call(*arguments, "--allow-low-accuracy")
    assert ran.returncode == 0, ran.stderr
    results = results_in(tmp_path / "o")
    assert results["lm"]["architecture"] == "GPT2LMHeadModel"
    assert results["lm"]["layers"] == 3
    assert len(results["alignments"][0]["cells"]) == 6
