"""Read a spec from disk and write it back, or say why that cannot be done.

Out: a `Source`, or `Unusable` with a sentence for the user; no other exception for a bad path or bad bytes.
Invariant: a file is written whole or not at all.
"""

from __future__ import annotations

import os
import sys

from causalspec.span import Source

MOST_BYTES = 1 << 20
MOST_TABLE = 4 << 20
STANDARD_INPUT = "<stdin>"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Unusable(Exception):
    """The call cannot be carried out: the message says why and what to do."""


def read_source(path: str | os.PathLike[str]) -> Source:
    """The text of a `.cspec` file, or of standard input for `-`; at most 1 MiB of UTF-8.

    Raises Unusable.
    """
    name = os.fspath(path)
    if name == "-" and sys.stdin is None:
        raise Unusable("standard input is closed")
    if name == "-":
        return _decoded(STANDARD_INPUT, sys.stdin.buffer.read(MOST_BYTES + 1))
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


def _decoded(name: str, data: bytes) -> Source:
    if len(data) > MOST_BYTES:
        raise Unusable(f"{name} is larger than 1 MiB; a spec is a text that people read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unusable(f"{name}:{line}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    return Source(name, text)


def read_beside(source: Source, path: str) -> str:
    """The text of a file that a spec names, relative to the spec's folder; at most 4 MiB of UTF-8.

    Raises Unusable.
    """
    if source.files is not None:
        if path not in source.files:
            raise Unusable(f"{path} is not among the files of this plan")
        return source.files[path]
    parts = path.replace("\\", "/").split("/")
    if os.path.isabs(path) or ".." in parts or ":" in parts[0] or not path.strip() or not path.isprintable():
        raise Unusable("a file is named by a path below the spec's own folder")
    root = os.path.realpath(os.path.dirname(source.name) or ".")
    name = os.path.realpath(os.path.join(root, *parts))
    if os.path.commonpath([root, name]) != root:
        raise Unusable("a file is named by a path below the spec's own folder")
    try:
        if os.path.exists(name) and not os.path.isfile(name):
            raise Unusable(f"{path} is no plain file")
        with open(name, "rb") as file:
            data = file.read(MOST_TABLE + 1)
        if len(data) > MOST_TABLE:
            raise Unusable(f"{path} is larger than 4 MiB")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not UTF-8") from None
    except (OSError, ValueError) as error:
        raise Unusable(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def write_source(source: Source) -> None:
    """Replace the file of a source by its text, as `write_text`; a byte order mark stays.

    Raises Unusable.
    """
    try:
        with open(source.name, "r+b") as old:  # fails where the file may not be written, though its folder may
            mark = old.read(3) == _BYTE_ORDER_MARK
    except OSError as error:
        raise Unusable(f"cannot write {source.name}: {error.strerror or error}") from None
    write_text(source.name, "\ufeff" * mark + source.text)


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
            with open(name, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            return
        try:
            with open(temporary, "x", encoding="utf-8", newline="") as file:
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
        folder = os.open(os.path.dirname(name), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"cannot write {os.fspath(path)}: {reason}") from None


def _neighbour(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    try:
        names = [item for item in os.listdir(folder or ".") if item.endswith(".cspec")]
    except OSError:
        return ""
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {os.path.join(folder, close[0])}?" if close else ""
