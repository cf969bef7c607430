"""The writer of bundles: a scrubbed and bounded tar.gz that only its owner can read."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from agent.bundle.contents import README
from agent.bundle.scrub import Scrubber

FOLDER = "wr-agent-bundle"
MOST_BYTES = 4 << 20
"""Bytes of one file. A longer file is truncated with a mark."""


class BundleError(Exception):
    """The bundle cannot be written. `str()` says why, and what to do."""


def write(target: Path | BinaryIO, files: Iterable[tuple[str, str]], scrubber: Scrubber) -> list[tuple[str, int]]:
    """Write a bundle, and return the name and size of each file in order.

    Args:
        target: The new file, which must not exist, or an open one.
        files: The name and text of each file, not scrubbed yet.
        scrubber: Removes private values, once it has seen all files.

    Raises:
        BundleError: The file cannot be written.
    """
    if not isinstance(target, Path):
        return _write(target, files, scrubber)
    opened = _created(target)  # first, since gathering takes seconds
    try:
        with opened:
            return _write(opened, files, scrubber)
    except BaseException:  # Ctrl-C while it waits, too
        target.unlink()
        raise


def _write(opened: BinaryIO, files: Iterable[tuple[str, str]], scrubber: Scrubber) -> list[tuple[str, int]]:
    ready = [("README.txt", README.encode()), *_blanked(list(files), scrubber)]
    with gzip.GzipFile(filename="", mode="wb", fileobj=opened) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        return _pack(tar, ready)


def _blanked(files: Sequence[tuple[str, str]], scrubber: Scrubber) -> Iterator[tuple[str, bytes]]:
    for _, text in files:
        scrubber.learn(text)
    for name, text in files:
        yield name, _bounded(_scrubbed(name, text, scrubber))


def _created(path: Path) -> io.BufferedWriter:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    except FileExistsError as error:
        raise BundleError(f"{path} exists; name another file, or remove it") from error
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror}; name a file in a folder that you own") from error


def _scrubbed(name: str, text: str, scrubber: Scrubber) -> str:
    """Return the text without private values. JSON stays valid."""
    if name.endswith(".json"):
        return json.dumps(scrubber.tree(json.loads(text)), indent=2, ensure_ascii=False)
    return scrubber.text(text)


def _bounded(text: str) -> bytes:
    content = text.encode(errors="replace")
    return content if len(content) <= MOST_BYTES else content[:MOST_BYTES] + b"\n[cut off here]\n"


def _pack(archive: tarfile.TarFile, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, int]]:
    listed = []
    for name, content in files:
        entry = tarfile.TarInfo(f"{FOLDER}/{name}")
        entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o644
        archive.addfile(entry, io.BytesIO(content))
        listed.append((name, len(content)))
    return listed
