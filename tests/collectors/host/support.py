"""What the tests of the host share: a machine of our own making, and a look into families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from collectors.metrics import Family, LabelValues

Tree = Callable[[Mapping[str, str | bytes]], Path]
"""Writes files by their paths below a root, and returns the root."""


def samples_of(families: Iterable[Family], name: str) -> dict[LabelValues, float]:
    """The samples of the one family of a name; fails if it is there twice, not at all, or as more than numbers."""
    (family,) = [family for family in families if family.name == name]
    return {labels: value for labels, value in family.samples.items() if isinstance(value, int | float)}
