"""Which measurements a scrape asks for: `?collect[]=` and `?exclude[]=`, with node_exporter's meaning.

A name is a collector's, or that of a part of one: node_exporter's `cpu`, `meminfo` and so on are parts of the host.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from collectors.metrics import Family


class SelectionError(Exception):
    """The query asks for what there is not."""


class Selectable(NamedTuple):
    """The names that a scrape may select.

    Attributes:
        collectors: The names of all collectors.
        parts: The collector of each part, by the part's name.
    """

    collectors: Collection[str]
    parts: Mapping[str, str]


def select(collect: Sequence[str], exclude: Sequence[str], selectable: Selectable) -> frozenset[str]:
    """The names to ask: those of `collect` if there are any, else all that are known but those of `exclude`.

    Args:
        collect: What the query wants.
        exclude: What it does not want.
        selectable: The names that exist.

    Raises:
        SelectionError: A name is not known, or both were given.
    """
    collectors, parts = selectable
    if collect and exclude:
        raise SelectionError("collect[] and exclude[] cannot be combined; use one of them")
    strange = sorted({*collect, *exclude} - {*collectors, *parts})
    if strange:
        there_are = ", ".join([*collectors, *sorted(parts)])
        raise SelectionError(f"no such collector: {', '.join(strange)}; there are {there_are}")
    if collect:
        return frozenset(collect)
    divided = {parts[name] for name in exclude if name in parts} - set(exclude)
    whole = set(collectors) - divided
    return frozenset(whole | {part for part, owner in parts.items() if owner in divided}) - frozenset(exclude)


def asked(names: AbstractSet[str], parts: Mapping[str, str]) -> frozenset[str]:
    """The collectors to take a snapshot of, to have what was selected."""
    return frozenset(parts.get(name, name) for name in names)


def chosen(families: Sequence[Family], names: AbstractSet[str], parts: Mapping[str, AbstractSet[str]]) -> list[Family]:
    """Those of one collector's families that belong to the selected ones of its parts.

    Args:
        families: The whole snapshot.
        names: What was selected, without the collector itself.
        parts: The names of the families of each part.
    """
    wanted = {family for part, its in parts.items() if part in names for family in its}
    return [family for family in families if family.name in wanted]
