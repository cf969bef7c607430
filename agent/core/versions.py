"""The versions of the agent, of Python and of the installed libraries."""

from __future__ import annotations

import platform
import re
from importlib import metadata

from agent import __version__

_DISTRIBUTION = "wr-agent"
_NAME = re.compile(r"[\w.-]+")


def requirements() -> list[str]:
    """Return the requirements of the installed distribution, as in its metadata; none if it is not installed."""
    try:
        return metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []


def installed(name: str) -> str:
    """Return the version of a library; empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def rows() -> list[tuple[str, str]]:
    """Return the name and version of the agent, Python, the system and each library, optional ones included."""
    names = dict.fromkeys(found[0] for text in requirements() if (found := _NAME.match(text)))
    own = [("wr-agent", __version__), ("Python", platform.python_version()), ("system", platform.platform())]
    return [*own, *map(_row, names)]


def text() -> str:
    """Return one line for each of `rows`, with the versions aligned."""
    width = max(len(name) for name, _ in rows())
    return "".join(f"{name:{width}} {version}\n" for name, version in rows())


def _row(name: str) -> tuple[str, str]:
    """Return the library's own spelling of its name, and its version."""
    try:
        return metadata.metadata(name)["Name"], metadata.version(name)
    except metadata.PackageNotFoundError:
        return name, "not installed"
