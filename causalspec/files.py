"""Read a spec from disk, or say why it cannot be read.

Out: a `Source`, or `Unusable` with a sentence for the user; no other exception for a bad path or bad bytes.
"""

from __future__ import annotations

from pathlib import Path

from causalspec.span import Source

MOST_BYTES = 1 << 20


class Unusable(Exception):
    """The call cannot be carried out: the message says why and what to do."""


def read_source(path: Path) -> Source:
    """The text of a `.cspec` file, at most 1 MiB of UTF-8.

    Raises Unusable.
    """
    try:
        if path.is_dir():
            raise Unusable(f"{path} is a folder, not a .cspec file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise Unusable(f"no file {path}{_neighbour(path)}") from None
    except (OSError, ValueError) as error:
        raise Unusable(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MOST_BYTES:
        raise Unusable(f"{path} is larger than 1 MiB; a spec is a text that people read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unusable(f"{path}:{line}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    return Source(str(path), text)


def _neighbour(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [item.name for item in path.parent.iterdir() if item.suffix == ".cspec"]
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""
