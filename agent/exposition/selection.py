"""The selection of collectors by `?collect[]=` and `?exclude[]=`, with node_exporter's meaning.

A name is that of a collector or of a part of one. node_exporter's `cpu`, `meminfo` and so on are parts of the host.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from collectors.metrics import Family


class SelectionError(Exception):
    """The query is contradictory or names an unknown collector."""


class Selectable(NamedTuple):
    """The names that a scrape may select.

    Attributes:
        collectors: The names of all collectors.
        parts: The collector of each part, by the part's name.
    """

    collectors: Collection[str]
    parts: Mapping[str, str]


def select(collect: Sequence[str], exclude: Sequence[str], selectable: Selectable) -> frozenset[str]:
    """Return the selected names: those of `collect` if any, else all names without those of `exclude`.

    Args:
        collect: The values of `collect[]`.
        exclude: The values of `exclude[]`.
        selectable: The names that exist.

    Raises:
        SelectionError: A name is unknown, or the query has both.
    """
    collectors, parts = selectable
    if collect and exclude:
        raise SelectionError("collect[] and exclude[] cannot be combined; use one of them")
    strange = sorted({*collect, *exclude} - {*collectors, *parts})
    if strange:
        there_are = ", ".join([*collectors, *sorted(parts)])
        raise SelectionError(f"unknown collector: {', '.join(strange)}; expected one of {there_are}")
    if collect:
        return frozenset(collect)
    divided = {parts[name] for name in exclude if name in parts} - set(exclude)
    whole = set(collectors) - divided
    return frozenset(whole | {part for part, owner in parts.items() if owner in divided}) - frozenset(exclude)


def asked(names: AbstractSet[str], parts: Mapping[str, str]) -> frozenset[str]:
    """Return the collectors whose snapshots the selection needs."""
    return frozenset(parts.get(name, name) for name in names)


def chosen(families: Sequence[Family], names: AbstractSet[str], parts: Mapping[str, AbstractSet[str]]) -> list[Family]:
    """Return the families of one collector that belong to its selected parts.

    Args:
        families: The whole snapshot.
        names: The selection, without the collector itself.
        parts: The names of the families of each part.
    """
    wanted = {family for part, its in parts.items() if part in names for family in its}
    return [family for family in families if family.name in wanted]
