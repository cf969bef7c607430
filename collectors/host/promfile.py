"""The parser of one file in the text format 0.0.4. `textfile` owns the files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from collectors.exposition_text.lines import (
    FAMILY_NAME,
    LABEL_NAME,
    Labels,
    MalformedError,
    parse_comment,
    parse_number,
    parse_sample,
)
from collectors.metrics import Family, HistogramValue, LabelNames, LabelValues, MetricType, SummaryValue, Value

_TYPES: Mapping[str, MetricType] = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "summary": "summary",
    "untyped": "unknown",
}
_PARTS = ("_bucket", "_sum", "_count")
_DISTRIBUTIONS = ("histogram", "summary")

_Series = dict[Labels, float]


def parse(body: bytes, source: str) -> list[Family]:
    """Parse the families of one file, all or none. Families without help get one that names `source`.

    Quantiles of summaries are left out, because the agent's families have none.

    Raises:
        ValueError: The text has another format, is half written, has timestamps, or contradicts itself.
    """
    if body and not body.endswith(b"\n"):
        raise ValueError("expected a line's end at the end; the file may be half written: write another and rename it")
    page = _PromText()
    for line in body.split(b"\n"):
        try:
            page.add(line)
        except (MalformedError, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from error
    return page.families(source)


class _PromText:
    """The content of a text, collected line by line."""

    def __init__(self) -> None:
        self._types: dict[str, MetricType] = {}
        self._helps: dict[str, str] = {}
        self._samples: dict[str, _Series] = {}

    def add(self, line: bytes) -> None:
        """Add one line."""
        stripped = line.strip(b" \t\r")
        if stripped.startswith(b"#"):
            self._comment(stripped)
        elif stripped:
            self._sample(stripped)

    def families(self, source: str) -> list[Family]:
        """Return all families."""
        found: dict[tuple[str, LabelNames], dict[LabelValues, Value]] = {}
        for name, type_ in self._named().items():
            for labels, value in self._values(name, type_).items():
                names, values = tuple(label for label, _ in labels), tuple(value for _, value in labels)
                found.setdefault((name, names), {})[values] = value
        return [
            Family(
                name, self._type(name), self._helps.get(name, f"Metric read from {source}"), labels, of, foreign=True
            )
            for (name, labels), of in found.items()
        ]

    def _comment(self, line: bytes) -> None:
        comment = parse_comment(line)
        if comment is None:
            return
        if comment.keyword == "HELP":
            self._helps[comment.name] = comment.text
            return
        type_ = _TYPES.get(comment.text.lower())
        if type_ is None:
            raise ValueError(f"expected one of {', '.join(_TYPES)} as the type of {comment.name}, got {comment.text!r}")
        if self._types.setdefault(comment.name, type_) != type_:
            raise ValueError(f"{comment.name} is given two types")

    def _sample(self, line: bytes) -> None:
        sample = parse_sample(line)
        if not FAMILY_NAME.fullmatch(sample.name) or not all(LABEL_NAME.fullmatch(label) for label, _ in sample.labels):
            raise ValueError(f"{sample.name}{dict(sample.labels)}: expected names of letters, digits and '_'")
        tail = line[len(sample.prefix) :]
        value = parse_number(tail)
        if len(tail.split()) > 1:
            raise ValueError(f"{sample.name} has a timestamp; expected none: Prometheus notes when it scrapes")
        series = self._samples.setdefault(sample.name, {})
        if sample.labels in series:
            raise ValueError(f"{sample.name}{dict(sample.labels)} is given twice")
        series[sample.labels] = value

    def _type(self, name: str) -> MetricType:
        return self._types.get(name, "unknown")

    def _named(self) -> dict[str, MetricType]:
        """Return the families by name; the parts of a histogram are one."""
        stems = (self._stem(name) for name in self._samples)
        return {stem: self._type(stem) for stem in stems}

    def _stem(self, name: str) -> str:
        stems = (name.removesuffix(part) for part in _PARTS if name.endswith(part))
        return next((stem for stem in stems if self._types.get(stem) in _DISTRIBUTIONS), name)

    def _values(self, name: str, type_: MetricType) -> Mapping[Labels, Value]:
        if type_ not in _DISTRIBUTIONS:
            return self._samples[name]
        counts, sums = self._samples.get(f"{name}_count", {}), self._samples.get(f"{name}_sum", {})
        if not counts or sums.keys() - counts.keys():
            raise ValueError(f"{name} is a {type_}; expected a count for each series")
        if not all(map(float.is_integer, counts.values())):
            raise ValueError(f"{name} is a {type_}; expected whole numbers as its counts")
        if type_ == "summary":
            return {labels: SummaryValue(int(count), sums.get(labels)) for labels, count in counts.items()}
        buckets = _by_series(self._samples.get(f"{name}_bucket", {}))
        return {
            labels: _histogram(name, buckets.get(labels, {}), count, sums.get(labels))
            for labels, count in counts.items()
        }


def _by_series(samples: _Series) -> dict[Labels, dict[float, float]]:
    """Return the cumulative counts of each series by their upper bound."""
    found: dict[Labels, dict[float, float]] = {}
    for labels, count in samples.items():
        bound = float(dict(labels).get("le", "nan"))
        found.setdefault(tuple(label for label in labels if label[0] != "le"), {})[bound] = count
    return found


def _histogram(name: str, buckets: dict[float, float], count: float, total: float | None) -> HistogramValue:
    bounds = tuple(sorted(bound for bound in buckets if math.isfinite(bound)))
    cumulative = [0.0, *(buckets[bound] for bound in bounds), count]
    counts = tuple(after - before for before, after in pairwise(cumulative))
    if not all(number >= 0 and number.is_integer() for number in counts):
        raise ValueError(
            f"{name} is a histogram; expected whole counts that rise from bucket to bucket, got {cumulative[1:]}"
        )
    return HistogramValue(bounds, tuple(map(int, counts)), total)
