"""The plan of one page: which numbers are summed, which stay the instance's own, and which are refused.

It is made once a page. A page that differs only in its numbers has the same plan.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, Protocol

from collectors.exposition_text.lines import Labels, MalformedError, Sample, to_float
from collectors.metrics import LabelNames, LabelValues, MetricType
from collectors.plugins.names import FamilyNames, Head, export_labels
from collectors.plugins.parsed_page import ParsedPage, Template
from collectors.plugins.refusals import Reason, Refusal, RefusedError
from collectors.plugins.series import Counter, Distribution

_AT_ONCE = 200
"""Samples that are sorted before the event loop may run other tasks: one to two milliseconds of work."""

_SERVICE_LENGTH = 200

_LIMIT_LABELS = {"histogram": "le", "summary": "quantile"}


class Gauge(NamedTuple):
    """One number that is exported as it is, for its instance. `sample` is its index on the page."""

    sample: int
    head: Head
    labels: LabelNames
    values: LabelValues


class Sum(NamedTuple):
    """One sample of a counter. `sample` is its index on the page."""

    sample: int
    series: Counter


class Observations(NamedTuple):
    """The samples of one histogram or summary.

    Attributes:
        series: The series in which they are summed.
        bounds: Upper bounds of the finite buckets, ascending.
        pick: Returns the cumulative counts among a page's numbers; the last one counts all observations.
        sum: The index of the sum on the page; None if there is none, as for negative bounds.
    """

    series: Distribution
    bounds: tuple[float, ...]
    pick: Callable[[list[float]], tuple[float, ...]]
    sum: int | None


class SeriesStore(Protocol):
    """The store of a plugin's series, which makes each at its first use."""

    def counter(self, head: Head, labels: Labels) -> Counter:
        """Return the counter with these labels; raise RefusedError if there are too many."""

    def distribution(self, head: Head, labels: Labels) -> Distribution:
        """Return the histogram or summary with these labels; raise RefusedError if there are too many."""


@dataclass(slots=True)
class Plan:
    """The use of the numbers of a page that fits a template, in the order of its samples."""

    template: Template
    sums: list[Sum] = field(default_factory=list)
    observations: list[Observations] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    """The refusals, by the name of a family or by a series."""
    service: str = ""
    """The value of the label `service`, by which apps and servers name themselves; empty if no series has it."""


async def make_plan(page: ParsedPage, template: Template, names: FamilyNames, store: SeriesStore) -> Plan:
    """Return the plan of a page, and pause after a few samples."""
    plan = Plan(template, service=_service(page))
    maker = _Maker(plan, page, names, store)
    maker.refuse_types()
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
    """The family of a sample, in the page's own words. `role` is the sample's suffix."""

    name: str
    type: str
    role: str


@dataclass(slots=True)
class _Parts:
    """The indexes of the samples found so far of one histogram or summary."""

    head: Head
    labels: Labels
    buckets: dict[float, int] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)


_TEXT_ROLES = {
    "counter": ("",),
    "gauge": ("",),
    "unknown": ("",),
    "untyped": ("",),
    "stateset": ("",),
    "info": ("",),
    "gaugehistogram": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
}
_OPENMETRICS_ROLES = {
    "counter": ("", "_total", "_created"),
    "gauge": ("",),
    "unknown": ("",),
    "stateset": ("",),
    "info": ("_info",),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
}
_SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_info", "_gsum", "_gcount")
_CREATED = "_created"
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
    """The maker of a plan, sample by sample."""

    def __init__(self, plan: Plan, page: ParsedPage, names: FamilyNames, store: SeriesStore) -> None:
        self._plan = plan
        self._page = page
        self._roles = _OPENMETRICS_ROLES if page.openmetrics else _TEXT_ROLES
        self._names = names
        self._store = store
        self._seen: set[tuple[str, Labels]] = set()
        self._parts: dict[tuple[str, Labels], _Parts] = {}

    def refuse_types(self) -> None:
        """Refuse every family of a type that the format does not have, whether or not it has samples."""
        for name, type_ in self._page.types.items():
            if type_ not in self._roles:
                self._refuse(_unsupported(name, type_), name)

    def add(self, index: int, sample: Sample) -> None:
        """Add one sample, or refuse it."""
        family = self._family(sample.name)
        if family.role == _CREATED:
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
        """Return the samples found so far of histograms and summaries."""
        return self._parts.values()

    def put_together(self, parts: _Parts) -> None:
        """Add one histogram or summary with all its samples, or refuse it."""
        try:
            self._plan.observations.append(self._observations(parts))
        except RefusedError as error:
            self._refuse(error, f"{parts.head.name}{dict(parts.labels)}")

    def _refuse(self, error: RefusedError, what: str) -> None:
        self._plan.refused.setdefault(what, Refusal(error.reason, error.detail))

    def _family(self, name: str) -> _Family:
        types = self._page.types
        if name.endswith(_CREATED):
            stem = name.removesuffix(_CREATED)
            if types.get(f"{stem}_total") == "counter" or types.get(stem) in ("counter", "histogram", "summary"):
                return _Family(stem, "counter", _CREATED)
        if name not in types:
            for suffix in _SUFFIXES:
                stem = name.removesuffix(suffix)
                type_ = types.get(stem, "") if stem != name else ""
                if type_ and (type_ not in self._roles or suffix in self._roles[type_]):
                    return _Family(stem, type_, suffix)
        return _Family(name, types.get(name, "unknown"), "")

    def _head(self, family: _Family) -> Head:
        if contradiction := self._page.contradictions.get(family.name):
            raise RefusedError(Reason.TYPE_CONFLICT, contradiction)
        exported = _EXPORTED.get(family.type) if family.type in self._roles else None
        if exported is None:
            raise _unsupported(family.name, family.type)
        if family.role not in self._roles[family.type]:
            detail = f"{family.name}: a {family.type} has no sample of that name without a suffix"
            raise RefusedError(Reason.UNSUPPORTED_TYPE, detail)
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
        if all_ is None:
            raise RefusedError(Reason.BAD_HISTOGRAM, f"{parts.head.name}: expected a count, or a bucket le=+Inf")
        series = self._store.distribution(parts.head, parts.labels)
        pick = _picker([*(parts.buckets[bound] for bound in bounds), all_])
        return Observations(series, bounds, pick, parts.others.get("_sum"))


def _unsupported(name: str, type_: str) -> RefusedError:
    return RefusedError(Reason.UNSUPPORTED_TYPE, f"{name}: {type_[:40]!r} is not re-exported")


def _service(page: ParsedPage) -> str:
    values = (value for sample in page.samples for name, value in sample.labels if name == "service")
    return next(values, "")[:_SERVICE_LENGTH]


def _picker(indexes: list[int]) -> Callable[[list[float]], tuple[float, ...]]:
    """Return a function that returns the numbers at these indexes."""
    if len(indexes) == 1:  # itemgetter of one index returns no tuple
        (only,) = indexes
        return lambda values: (values[only],)
    return itemgetter(*indexes)


def _bound(head: Head, text: str) -> float:
    try:
        bound = to_float(text.encode())
    except MalformedError:
        bound = math.nan
    if math.isnan(bound) or bound == -math.inf:
        raise RefusedError(Reason.BAD_HISTOGRAM, f"{head.name}: expected a number as le, got {text[:40]!r}")
    return bound
