"""The shared parts of the host's tests: a made-up machine, and access to families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from collectors.metrics import Family, LabelValues

Tree = Callable[[Mapping[str, str | bytes]], Path]
"""Writes files by their paths below a root, and returns the root."""


def samples_of(families: Iterable[Family], name: str) -> dict[LabelValues, float]:
    """The samples of all families of a name; fails if there is none, or a series twice, or more than numbers."""
    found: dict[LabelValues, float] = {}
    named = [family for family in families if family.name == name]
    assert named, f"no family {name}"
    for family in named:
        for labels, value in family.samples.items():
            assert labels not in found
            assert isinstance(value, int | float)
            found[labels] = value
    return found
