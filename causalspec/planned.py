"""Forms of the language that this version does not read yet: told as such, not as misspelt.

Invariant: a word leaves these lists in the change that brings its form.
"""

from __future__ import annotations

from collections.abc import Mapping

# what is called what in messages → the names of that kind to come
NAMES: Mapping[str, tuple[str, ...]] = {
    "method": ("das", "brute_force", "interchange", "mask", "pca", "sae", "nonlinear_das"),
    "kind of site": ("mlp_output", "mlp_hidden", "attention_output", "query", "key", "value", "head", "heads"),
}
# words that begin a statement to come → a way to do without
STATEMENTS: Mapping[str, str] = {
    "import": "declare everything in this file",
    "split": "leave it out: train, validation and test share no prompt",
    "folds": "leave it out: train, validation and test share no prompt",
}


def not_yet(what: str) -> str:
    """The message on a form to come."""
    return f"{what} is not supported yet by this version"
