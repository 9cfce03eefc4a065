"""Keep finished cells, so that an interrupted run goes on where it stopped.

A cell is one safetensors file, named by the hash of everything that determined it; its metadata holds what training
told, and a checksum. Invariant: a file appears whole or not at all; one that fails its checksum is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole after a crash, or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def key_of(identity: Mapping[str, Any]) -> str:
    """The name of an artefact: a hash of what determined it, as sorted JSON."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True, allow_nan=False).encode()).hexdigest()[:24]


def checksum(tensors: Mapping[str, Tensor], told: str) -> str:
    """A hash of names, shapes, types and bytes, and of what is told with them."""
    digest = hashlib.sha256(told.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class CellStore:
    """The cells of one run folder."""

    folder: Path

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def load(self, key: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """A finished cell's tensors and what training told; None where there is none that is whole."""
        try:
            with safe_open(self.path(key), framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                metadata = file.metadata() or {}
        except (OSError, SafetensorError):
            return None
        seal, _, told = metadata.get("cell", "").partition(" ")
        return (tensors, json.loads(told)) if seal and seal == checksum(tensors, told) else None

    def save(self, key: str, tensors: Mapping[str, Tensor], told: Mapping[str, Any]) -> None:
        """Keep a finished cell. Raises OSError."""
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        text = json.dumps(told, sort_keys=True, allow_nan=False)
        write_durably(self.path(key), save(whole, {"cell": f"{checksum(whole, text)} {text}"}))
