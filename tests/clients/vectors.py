"""The pages that every client gives for the same metrics, from clients/test_vectors.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One metric and its calls: those of `inc`, `set` or `observe`, by its type."""

    type: str
    name: str
    help: str
    labels: dict[str, str]
    inc: Sequence[int] = ()
    set: float | str = 0.0
    bounds: Sequence[float] = ()
    observe: Sequence[float] = ()


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registry, its metrics, and its page in both formats."""

    name: str
    labels: dict[str, str]
    metrics: Sequence[Metric]
    text: str
    open_metrics: str


VECTORS = msgspec.convert(json.loads((ROOT / "clients" / "test_vectors.json").read_text()), list[Vector])
