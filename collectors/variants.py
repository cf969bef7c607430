"""The variants of a table in a configuration, by the one key that the table has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Variants:
    """The struct of each key, as the metadata of an `Annotated` type."""

    by_key: Mapping[str, type[msgspec.Struct]]
