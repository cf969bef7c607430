"""What becomes of the numbers of one page: which are summed where, which stay the instance's own, which are refused.

Made once a page; a page that differs in nothing but its numbers has the same plan.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, Protocol

from collectors.exposition_text.lines import Labels, Sample
from collectors.metrics import LabelNames, LabelValues, MetricType
from collectors.plugins.names import FamilyNames, Head, export_labels
from collectors.plugins.parsed_page import ParsedPage, Template
from collectors.plugins.refusals import Reason, Refusal, RefusedError
from collectors.plugins.series import Counter, Distribution

_AT_ONCE = 200
"""Samples that are sorted before the event loop may go on: one to two milliseconds."""

_SERVICE_LENGTH = 200

_LIMIT_LABELS = {"histogram": "le", "summary": "quantile"}


class Gauge(NamedTuple):
    """One number that is exported as it is, for its instance alone. `sample` is its index in the page."""

    sample: int
    head: Head
    labels: LabelNames
    values: LabelValues


class Sum(NamedTuple):
    """One sample that is a counter. `sample` is its index in the page."""

    sample: int
    series: Counter


class Observations(NamedTuple):
    """The samples that together are one histogram or summary.

    Attributes:
        series: Where they are summed.
        bounds: Upper bounds of the finite buckets, ascending.
        pick: Takes the cumulative counts, the last of which is of all, and the sum out of a page's numbers.
    """

    series: Distribution
    bounds: tuple[float, ...]
    pick: Callable[[list[float]], tuple[float, ...]]


class SeriesStore(Protocol):
    """Where a plugin's series are: each made at its first use."""

    def counter(self, head: Head, labels: Labels) -> Counter:
        """The counter with these labels; raises RefusedError if there are too many."""

    def distribution(self, head: Head, labels: Labels) -> Distribution:
        """The histogram or summary with these labels; raises RefusedError if there are too many."""


@dataclass(slots=True)
class Plan:
    """What is done with the numbers of a page that fits a template, in the order of its samples."""

    template: Template
    sums: list[Sum] = field(default_factory=list)
    observations: list[Observations] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    """By what is refused: a family's name, or a series."""
    service: str = ""
    """The value of the label `service`, by which apps and servers name themselves; empty if no series has it."""


async def make_plan(page: ParsedPage, template: Template, names: FamilyNames, store: SeriesStore) -> Plan:
    """The plan for a page, made a few samples at a time."""
    plan = Plan(template, service=_service(page))
    maker = _Maker(plan, page, names, store)
    for index, sample in enumerate(page.samples):
        maker.add(index, sample)
        if index % _AT_ONCE == 0:
            await asyncio.sleep(0)
    for index, parts in enumerate(maker.parts()):
        maker.put_together(parts)
        if index % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return plan


class _Family(NamedTuple):
    """What a sample belongs to, in the page's own words. `role` is the suffix that says which part of it it is."""

    name: str
    type: str
    role: str


@dataclass(slots=True)
class _Parts:
    """The samples found so far of one histogram or summary, by their index."""

    head: Head
    labels: Labels
    buckets: dict[float, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)


_ROLES = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "unknown": ("",),
    "untyped": ("",),
    "stateset": ("",),
    "info": ("_info",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
}
_SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_created", "_info")
_EXPORTED: dict[str, MetricType] = {
    "counter": "counter",
    "gauge": "gauge",
    "unknown": "unknown",
    "untyped": "unknown",
    "stateset": "gauge",
    "info": "gauge",
    "histogram": "histogram",
    "summary": "summary",
}


class _Maker:
    """Fills a plan, sample by sample."""

    def __init__(self, plan: Plan, page: ParsedPage, names: FamilyNames, store: SeriesStore) -> None:
        self._plan = plan
        self._page = page
        self._names = names
        self._store = store
        self._seen: set[tuple[str, Labels]] = set()
        self._parts: dict[tuple[str, Labels], _Parts] = {}

    def add(self, index: int, sample: Sample) -> None:
        """Sort one sample in, or refuse it."""
        family = self._family(sample.name)
        if family.role == "_created":
            return
        try:
            head = self._head(family)
        except RefusedError as error:
            self._refuse(error, family.name)
            return
        try:
            self._sort(index, sample, family, head)
        except RefusedError as error:
            self._refuse(error, f"{sample.name}{dict(sample.labels)}")

    def parts(self) -> Iterable[_Parts]:
        """What was sorted in so far of histograms and summaries."""
        return self._parts.values()

    def put_together(self, parts: _Parts) -> None:
        """Add one histogram or summary that has all its parts, or refuse it."""
        try:
            self._plan.observations.append(self._observations(parts))
        except RefusedError as error:
            self._refuse(error, f"{parts.head.name}{dict(parts.labels)}")

    def _refuse(self, error: RefusedError, what: str) -> None:
        self._plan.refused.setdefault(what, Refusal(error.reason, error.detail))

    def _family(self, name: str) -> _Family:
        types = self._page.types
        for suffix in _SUFFIXES:
            stem = name.removesuffix(suffix)
            type_ = types.get(stem, "") if stem != name else ""
            if suffix in _ROLES.get(type_, ()):
                return _Family(stem, type_, suffix)
            if suffix == "_created" and types.get(f"{stem}_total") == "counter":
                return _Family(stem, "counter", suffix)
        return _Family(name, types.get(name, "unknown"), "")

    def _head(self, family: _Family) -> Head:
        if family.name in self._page.conflicts:
            raise RefusedError(Reason.TYPE_CONFLICT, f"{family.name} is given two types in one answer")
        exported = _EXPORTED.get(family.type)
        if exported is None or family.role not in _ROLES[family.type]:
            raise RefusedError(Reason.UNSUPPORTED_TYPE, f"{family.name}: {family.type[:40]!r} is not re-exported")
        name = f"{family.name}{family.role}" if exported in ("counter", "gauge") else family.name
        return self._names.claim(name, exported, self._page.helps.get(family.name, ""))

    def _sort(self, index: int, sample: Sample, family: _Family, head: Head) -> None:
        labels = export_labels(head.name, sample.labels)
        if (sample.name, labels) in self._seen:
            raise RefusedError(Reason.DUPLICATE_SERIES, f"{sample.name} is given twice with the same labels")
        self._seen.add((sample.name, labels))
        if head.type == "counter":
            self._plan.sums.append(Sum(index, self._store.counter(head, labels)))
        elif head.type in _LIMIT_LABELS:
            self._add_part(index, family, head, labels)
        else:
            names, values = tuple(name for name, _ in labels), tuple(value for _, value in labels)
            self._plan.gauges.append(Gauge(index, head, names, values))

    def _add_part(self, index: int, family: _Family, head: Head, labels: Labels) -> None:
        if head.type == "summary" and family.role == "":
            raise RefusedError(Reason.QUANTILE, f"{head.name}: quantiles of instances cannot be added; use a histogram")
        limit = dict(labels).get("le", "") if family.role == "_bucket" else ""
        others = tuple(label for label in labels if not limit or label[0] != "le")
        parts = self._parts.setdefault((head.name, others), _Parts(head, others))
        if family.role == "_bucket":
            bound = _bound(head, limit)
            if bound in parts.buckets:
                raise RefusedError(Reason.DUPLICATE_SERIES, f"{head.name}: the bucket le={limit} is given twice")
            parts.buckets[bound] = index
        else:
            parts.others[family.role] = index

    def _observations(self, parts: _Parts) -> Observations:
        bounds = tuple(sorted(bound for bound in parts.buckets if bound != math.inf))
        all_ = parts.buckets.get(math.inf, parts.others.get("_count"))
        total = parts.others.get("_sum")
        if all_ is None or total is None:
            raise RefusedError(
                Reason.BAD_HISTOGRAM, f"{parts.head.name}: expected a count and a sum, found one of them"
            )
        series = self._store.distribution(parts.head, parts.labels)
        return Observations(series, bounds, itemgetter(*(parts.buckets[bound] for bound in bounds), all_, total))


def _service(page: ParsedPage) -> str:
    values = (value for sample in page.samples for name, value in sample.labels if name == "service")
    return next(values, "")[:_SERVICE_LENGTH]


def _bound(head: Head, text: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if math.isnan(bound) or bound == -math.inf:
        raise RefusedError(Reason.BAD_HISTOGRAM, f"{head.name}: expected a number as le, got {text[:40]!r}")
    return bound
