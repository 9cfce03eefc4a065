"""Find the blocks of a causal LM, whatever its architecture calls them.

In: a transformers model. Out: the `ModuleList` of its blocks, in order.
Invariant: an architecture that the search misreads gets one line in `BLOCKS`; nothing else knows names of modules.
"""

from torch import nn

from causalspec_runtime.language_model.errors import LmError

BLOCKS: dict[str, str] = {}  # model_type -> dotted path of its blocks, where the search below is wrong


def find_blocks(model: nn.Module) -> nn.ModuleList:
    """The list of as many equal modules as the configuration has layers that holds the most parameters."""
    config = model.config.get_text_config(decoder=True)  # type: ignore[union-attr, operator]
    path = BLOCKS.get(config.model_type)
    if path is not None:
        return _list_at(model, path)
    found = [
        module
        for module in model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == config.num_hidden_layers and _one_kind(module)
    ]
    if not found:
        raise LmError(
            f"no list of {config.num_hidden_layers} blocks in {type(model).__name__}",
            "its architecture needs a line in language_model/architectures.py",
        )
    return max(found, key=lambda blocks: sum(parameter.numel() for parameter in blocks.parameters()))


def _list_at(model: nn.Module, path: str) -> nn.ModuleList:
    blocks = model.get_submodule(path)
    if not isinstance(blocks, nn.ModuleList):
        raise LmError(f"`{path}` of {type(model).__name__} is not a list of blocks")
    return blocks


def _one_kind(blocks: nn.ModuleList) -> bool:
    return len({type(block) for block in blocks}) == 1
