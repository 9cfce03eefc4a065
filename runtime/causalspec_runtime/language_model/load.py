"""Load a frozen LM: embedded, from the hub, or from a folder.

In: where it is. Out: `FrozenLm`, or `LmError`.
Invariant: no weight asks for a gradient, no code of the model's author is run, only safetensors are read, and the
digest names exactly the configuration, weights and tokenizer that will be used.
"""

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from causalspec_runtime.language_model.architectures import find_blocks
from causalspec_runtime.language_model.errors import LmError

Kind = Literal["embedded", "hub", "path"]
EMBEDDED = Path(__file__).parent / "embedded"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SAVED = "name a folder with config.json, model.safetensors and tokenizer.json, as `save_pretrained` writes it"
VOLATILE = ("_name_or_path", "transformers_version", "architectures", "use_cache")  # of a configuration


@dataclass(frozen=True, slots=True, eq=False)
class FrozenLm:
    """A language model whose weights never change."""

    model: Any  # transformers' PreTrainedModel
    tokenizer: Any  # transformers' fast tokenizer
    blocks: nn.ModuleList
    n_layers: int
    width: int  # of the residual stream, in coordinates
    device: torch.device  # where token ids go in
    digest: str  # sha256 over configuration, weights and tokenizer
    name: str
    revision: str | None = None  # the hub's commit, where it came from there

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype


def load(
    kind: Kind, reference: str, *, revision: str | None = None, dtype: str | None = None, device: str = "auto"
) -> FrozenLm:
    """The LM at `reference`: a name (embedded), a hub repository, or a folder."""
    source = _source(kind, reference)
    where = _hub_arguments(kind, revision)
    config = _config(source, where, reference)
    tokenizer = _tokenizer(source, where, reference)
    model = _model(source, where, config, reference, _dtype(dtype), device)
    return freeze(model, tokenizer, reference)


def describe(kind: Kind, reference: str, *, revision: str | None = None) -> tuple[int, int, Any]:
    """Number of layers, width and tokenizer of an LM, without reading its weights."""
    source, where = _source(kind, reference), _hub_arguments(kind, revision)
    config = _config(source, where, reference).get_text_config(decoder=True)
    return int(config.num_hidden_layers), int(config.hidden_size), _tokenizer(source, where, reference)


def freeze(model: Any, tokenizer: Any, name: str) -> FrozenLm:
    """An LM in memory as a `FrozenLm`; offloaded weights are refused."""
    _refuse_offload(model)
    _require_offsets(tokenizer, name)
    model.eval().requires_grad_(False)
    blocks = find_blocks(model)
    width = int(model.config.get_text_config(decoder=True).hidden_size)
    device = model.get_input_embeddings().weight.device
    revision = getattr(model.config, "_commit_hash", None)
    return FrozenLm(model, tokenizer, blocks, len(blocks), width, device, digest(model, tokenizer), name, revision)


def randomize(lm: FrozenLm, seed: int) -> FrozenLm:
    """The same architecture with fresh weights, as its configuration initialises them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = type(lm.model)(copy.deepcopy(lm.model.config)).to(dtype=lm.dtype)
    model = _place_like(model, lm).eval().requires_grad_(False)
    return replace(
        lm,
        model=model,
        blocks=find_blocks(model),
        digest=digest(model, lm.tokenizer),
        name=f"{lm.name} (random weights)",
    )


def digest(model: Any, tokenizer: Any) -> str:
    """sha256 over configuration, tokenizer and every weight, one tensor in memory at a time."""
    total = hashlib.sha256()
    config = {key: value for key, value in model.config.to_dict().items() if key not in VOLATILE}
    total.update(json.dumps(config, sort_keys=True, default=str).encode())
    total.update(tokenizer.backend_tokenizer.to_str().encode())
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        total.update(_bytes(tensor))
    return total.hexdigest()


def _bytes(tensor: Tensor) -> Any:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _source(kind: Kind, reference: str) -> str:
    if kind == "hub":
        if Path(reference).exists():
            raise LmError(f"`hub:{reference}` is also a path here", f"write `path:{reference}` if the folder is meant")
        return reference
    if kind == "embedded":
        return _embedded(reference)
    folder = Path(reference)
    if not folder.is_dir():
        raise LmError(f"no folder at `{reference}`", SAVED)
    if not (folder / "config.json").is_file():
        raise LmError(f"`{reference}` is not a language model: it has no config.json", SAVED)
    return reference


def _embedded(name: str) -> str:
    present = sorted(folder.name for folder in EMBEDDED.glob("*") if (folder / "config.json").is_file())
    if name not in present:
        raise LmError(f"no embedded LM named `{name}`", f"there are: {', '.join(present) or 'none'}")
    return str(EMBEDDED / name)


def _hub_arguments(kind: Kind, revision: str | None) -> dict[str, Any]:
    if kind == "hub":
        return {"revision": revision, "trust_remote_code": False}
    return {"local_files_only": True, "trust_remote_code": False}


def _dtype(name: str | None) -> torch.dtype | None:
    if name is not None and name not in DTYPES:
        raise LmError(f"no dtype named `{name}`", f"there are: {', '.join(DTYPES)}")
    return DTYPES[name] if name is not None else None


def _config(source: str, where: dict[str, Any], reference: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source, **where)
    except (OSError, ValueError, KeyError) as error:
        raise LmError(
            f"`{reference}` is not a language model that can be read: {_first_line(error)}", _way_out(where)
        ) from error


def _way_out(where: dict[str, Any]) -> str:
    if "revision" in where:
        return "check the name, the revision and the network; a downloaded LM is named by its folder, `path:DIR`"
    return SAVED


def _tokenizer(source: str, where: dict[str, Any], reference: str) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise LmError(
            f"`{reference}` has no tokenizer that can be read: {_first_line(error)}", _way_out(where)
        ) from error
    _require_offsets(tokenizer, reference)
    return tokenizer


def _require_offsets(tokenizer: Any, reference: str) -> None:
    if not getattr(tokenizer, "is_fast", False):
        raise LmError(
            f"the tokenizer of `{reference}` does not tell which characters a token covers",
            "save it as a fast tokenizer (tokenizer.json)",
        )
    if tokenizer.backend_tokenizer.get_vocab_size() <= len(tokenizer.all_special_tokens):
        raise LmError(f"`{reference}` has no tokenizer: its vocabulary is empty", "save the tokenizer into the folder")


def _model(
    source: str, where: dict[str, Any], config: Any, reference: str, dtype: torch.dtype | None, device: str
) -> Any:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    _require_causal(config, reference)
    disable_progress_bar()
    set_verbosity_error()  # what the report of loading says is told as an LmError
    arguments = {**where, "dtype": dtype or "auto", "use_safetensors": True, **_device_arguments(device)}
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            source, config=config, output_loading_info=True, **arguments
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _weights_error(source, reference, error) from error
    if report["missing_keys"]:
        raise LmError(f"`{reference}` lacks weights: {', '.join(sorted(report['missing_keys'])[:3])}", SAVED)
    _refuse_more_layers(model, report["unexpected_keys"], reference)
    return model


def _refuse_more_layers(model: Any, surplus: Iterable[str], reference: str) -> None:
    """Weights of blocks that the configuration does not have: the LM would run without its last layers."""
    blocks = find_blocks(model)
    prefix = next(name for name, module in model.named_modules() if module is blocks)
    deeper = sorted(key for key in surplus if key.startswith(f"{prefix}."))
    if deeper:
        raise LmError(
            f"`{reference}` has weights that its config.json leaves out: {', '.join(deeper[:3])}",
            f"its {len(blocks)} layers are not the whole LM; set num_hidden_layers as it was trained",
        )


def _require_causal(config: Any, reference: str) -> None:
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    mapping = AutoModelForCausalLM._model_mapping
    right = mapping[type(config)].__name__ if type(config) in mapping else None
    saved = config.architectures or [right]
    masked = type(config) in AutoModelForMaskedLM._model_mapping and not getattr(config, "is_decoder", True)
    if right is None or right not in saved or masked:
        what = ", ".join(saved) if saved != [right] else config.model_type
        raise LmError(f"`{reference}` is not a causal language model but `{what}`")


def _device_arguments(device: str) -> dict[str, Any]:
    if device == "cuda" and not torch.cuda.is_available():
        raise LmError("this machine has no GPU that torch can use", "leave out --device, or write --device cpu")
    if device == "auto":
        return {"device_map": "auto"} if torch.cuda.is_available() else {}
    return {"device_map": {"": device}}


def _weights_error(source: str, reference: str, error: Exception) -> LmError:
    folder = Path(source)
    pickled = folder.is_dir() and [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
    if pickled or isinstance(error, OSError):
        return LmError(
            f"`{reference}` has no weights as safetensors",
            "pickled weights can run code and are never read; save with `save_pretrained`",
        )
    return LmError(f"the weights of `{reference}` cannot be read: {_first_line(error)}")


def _refuse_offload(model: Any) -> None:
    away = {str(place) for place in (getattr(model, "hf_device_map", None) or {}).values()} & {"disk", "meta"}
    if away or (torch.cuda.is_available() and "cpu" in _places(model) and len(_places(model)) > 1):
        raise LmError(
            "the LM does not fit on the device: some of its layers would be read from host memory or disk every step",
            "choose dtype bfloat16, a smaller LM or more devices",
        )


def _places(model: Any) -> set[str]:
    return {str(place) for place in (getattr(model, "hf_device_map", None) or {}).values()}


def _place_like(model: Any, lm: FrozenLm) -> Any:
    places = getattr(lm.model, "hf_device_map", None)
    if not places or len(set(places.values())) == 1:
        return model.to(lm.device)
    from accelerate import dispatch_model

    return dispatch_model(model, device_map=places)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
