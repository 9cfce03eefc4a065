"""Find the data that comes with causalspec: the folders `grammars` and `specs`.

Invariant: the same call works in a checkout, an editable install and a wheel. `os.path` instead of pathlib: `check`
starts faster without it.
"""

from __future__ import annotations

import os


def data_file(folder: str, name: str) -> str:
    """The path of a data file: inside the package if it is there (a wheel), else beside it (a checkout)."""
    package = os.path.dirname(os.path.realpath(__file__))
    inside = os.path.join(package, folder, name)
    return inside if os.path.exists(inside) else os.path.join(os.path.dirname(package), folder, name)


def data_text(folder: str, name: str) -> str:
    """The text of a data file."""
    with open(data_file(folder, name), encoding="utf-8") as file:
        return file.read()
