"""Read a spec from disk, or write a text, or say why that cannot be done.

Out: a `Source`, or `Unusable` with a sentence for the user; no other exception for a bad path or bad bytes.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from causalspec.span import Source

MOST_BYTES = 1 << 20


class Unusable(Exception):
    """The call cannot be carried out: the message says why and what to do."""


def read_source(path: str | os.PathLike[str]) -> Source:
    """The text of a `.cspec` file, at most 1 MiB of UTF-8.

    Raises Unusable.
    """
    name = os.fspath(path)
    try:
        if os.path.isdir(name):
            raise Unusable(f"{name} is a folder, not a .cspec file")
        with open(name, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise Unusable(f"no file {name}{_neighbour(name)}") from None
    except (OSError, ValueError) as error:
        raise Unusable(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    return _decoded(name, data)


def read_stream(name: str, stream: BinaryIO) -> Source:
    """The text of a spec from a stream, as `read_source` reads a file.

    Raises Unusable.
    """
    return _decoded(name, stream.read(MOST_BYTES + 1))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a file whole or not at all; one that is there keeps its permissions, a link its target.

    Raises Unusable.
    """
    name = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(name), f".{os.path.basename(name)[:100]}.{os.getpid()}.tmp")
    try:
        if os.path.isdir(name):
            raise Unusable(f"{os.fspath(path)} is a folder")
        if os.path.exists(name) and not os.path.isfile(name):  # a pipe or a device
            with open(name, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            return
        try:
            with open(temporary, "x", encoding="utf-8", newline="\n") as file:
                if os.path.exists(name):
                    os.chmod(temporary, os.stat(name).st_mode & 0o7777)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, name)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"cannot write {os.fspath(path)}: {reason}") from None


def _decoded(name: str, data: bytes) -> Source:
    if len(data) > MOST_BYTES:
        raise Unusable(f"{name} is larger than 1 MiB; a spec is a text that people read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unusable(f"{name}:{line}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    return Source(name, text)


def _neighbour(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    try:
        names = [item for item in os.listdir(folder or ".") if item.endswith(".cspec")]
    except OSError:
        return ""
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {os.path.join(folder, close[0])}?" if close else ""
