"""Exported families of a scrape, the agent's and another exporter's, in one form for comparison."""

from __future__ import annotations

import math
import os
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from collectors.metrics import Family

Labels = frozenset[tuple[str, str]]
"""The labels of a series as Prometheus compares them, without empty ones."""


@dataclass(frozen=True)
class Exported:
    """One family of scalars."""

    type: str
    help: str
    samples: dict[Labels, float] = field(default_factory=dict)


Families = dict[str, Exported]

# Gauges that a scrape itself raises, as the exporter has a connection and works, with the largest difference.
_PAGES = 16
_RAISED_BY_SCRAPING = {
    "node_filefd_allocated": 100,
    "node_netstat_Tcp_CurrEstab": 4,
    "node_procs_running": 20,
    "node_sockstat_TCP_alloc": 4,
    "node_sockstat_TCP_inuse": 4,
    "node_sockstat_TCP_mem": _PAGES,
    "node_sockstat_TCP_mem_bytes": _PAGES * os.sysconf("SC_PAGE_SIZE"),
    "node_sockstat_sockets_used": 4,
}


def ours(families: Iterable[Family]) -> Families:
    """Return a collector's snapshot without its histograms and summaries."""
    exported: Families = {}
    for family in families:
        found = exported.setdefault(family.name, Exported(family.type, family.help.strip()))
        for values, value in family.samples.items():
            if isinstance(value, int | float):
                found.samples[_labels(zip(family.labels, values, strict=True))] = value
    return exported


def scraped(url: str) -> Families:
    """Return the page at `url`."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return parsed(answer.read().decode())


def parsed(page: str) -> Families:
    """Return a page in the text format, one family for each sample's name."""
    exported: Families = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found = exported.setdefault(sample.name, Exported(family.type, family.documentation.strip()))
            found.samples[_labels(sample.labels.items())] = sample.value
    return exported


def of_the_host(families: Families) -> Families:
    """Return those of the host, without an exporter's own families."""
    own = ("node_exporter_", "node_scrape_collector_")
    return {name: family for name, family in families.items() if name.startswith("node_") and not name.startswith(own)}


def unlike(mine: Families, other: Families) -> dict[str, str]:
    """Return the differences, without those of values, by family."""
    differences = dict.fromkeys(other.keys() - mine.keys(), "only there")
    differences |= dict.fromkeys(mine.keys() - other.keys(), "only here")
    for name in mine.keys() & other.keys():
        here, there = mine[name], other[name]
        if (here.type, here.help) != (there.type, there.help):
            differences[name] = f"{here.type}, {here.help!r} here; {there.type}, {there.help!r} there"
        elif here.samples.keys() != there.samples.keys():
            differences[name] = f"series {sorted(map(sorted, here.samples.keys() ^ there.samples.keys()))}"
    return differences


def fits(name: str, before: float, theirs: float, after: float) -> bool:
    """Tell if another exporter's value of a family is within two readings of the agent."""
    low, high = sorted((before, after))
    inside = low <= theirs <= high + _RAISED_BY_SCRAPING.get(name, 0)
    return inside or any(math.isclose(theirs, bound, rel_tol=1e-9) for bound in (low, high))


def _labels(pairs: Iterable[tuple[str, str]]) -> Labels:
    return frozenset((name, value) for name, value in pairs if value)
