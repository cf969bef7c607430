"""The sample lines of one family: the text of label values and numbers.

Caches the label strings between renderings, because values change at each scrape and labels rarely. Both formats have
the same sample lines. Headers differ and belong to `metadata`.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

from agent.exposition.invalid import InvalidFamilyError, well_formed
from collectors.metrics import HistogramValue, LabelNames, LabelValues, SummaryValue, Value

Samples = Mapping[LabelValues, Value]
_Bounds = tuple[float, ...]

_Key = TypeVar("_Key")
_Beginnings = TypeVar("_Beginnings")

_LARGEST = sys.float_info.max
_GO_EXPONENT_FROM, _PYTHON_EXPONENT_FROM = 1e6, 1e16


class ScalarLines:
    """The lines of a counter, gauge or unknown family. Caches the beginning of each, `name{labels} `."""

    def __init__(self, name: str, labels: LabelNames) -> None:
        self._known = _ScalarBeginnings(name, labels)

    def text(self, samples: Samples) -> str:
        """Return one line for each sample.

        Raises:
            InvalidFamilyError: A value is not a number, or label values do not match the label names.
        """
        known = self._known
        # The hot path of a rendering. `repr` is correct for all numbers within the comparison.
        return "".join(
            [
                f"{known[values]}{number!r}\n"
                if -_LARGEST <= number <= _LARGEST
                else f"{known[values]}{_beyond_finite(number)}\n"
                for values, number in _plain(samples).items()
            ]
        )

    openmetrics_text = text

    def keep(self, live: Sequence[Samples]) -> None:
        """Forget every series that is not among these samples."""
        if len(self._known) > sum(map(len, live)):
            _drop_all_but(self._known, {values for samples in live for values in samples})


class HistogramLines:
    """The lines of a histogram family. Caches the beginnings of each series' lines by its labels and bounds."""

    def __init__(self, name: str, labels: LabelNames) -> None:
        self._known = _HistogramBeginnings(name, labels)

    def text(self, samples: Samples) -> str:
        """Return the lines of each sample: cumulative buckets, count, sum.

        Raises:
            InvalidFamilyError: A value is not a `HistogramValue`, its bounds do not ascend, its counts do not match the
                bounds or are not natural numbers, its sum is not a number, or label values do not match the label
                names.
        """
        return "".join([self._lines(values, _histogram(value)) for values, value in samples.items()])

    def openmetrics_text(self, samples: Samples) -> str:
        """Return the lines of each sample, without the count and sum that OpenMetrics does not allow.

        Raises:
            InvalidFamilyError: As `text` does.
        """
        return "".join([self._lines(values, _histogram(it), openmetrics=True) for values, it in samples.items()])

    def keep(self, live: Sequence[Samples]) -> None:
        """Forget every series that is not among these samples."""
        if len(self._known) > sum(map(len, live)):
            pairs = [pair for samples in live for pair in samples.items()]
            _drop_all_but(self._known, {(values, _histogram(value).bounds) for values, value in pairs})

    def _lines(self, values: LabelValues, histogram: HistogramValue, *, openmetrics: bool = False) -> str:
        total = None if histogram.sum is None else _number(histogram.sum)
        numbers: list[int | str] = [*accumulate(histogram.counts)]
        if not openmetrics or _may_have_sum(histogram):
            numbers += [numbers[-1]] if total is None else [numbers[-1], total]
        beginnings = self._known[values, histogram.bounds]
        return "".join([f"{beginning}{number}\n" for beginning, number in zip(beginnings, numbers, strict=False)])


class SummaryLines:
    """The lines of a summary family: the count and the sum of each series."""

    def __init__(self, name: str, labels: LabelNames) -> None:
        self._counts, self._sums = _ScalarBeginnings(f"{name}_count", labels), _ScalarBeginnings(f"{name}_sum", labels)

    def text(self, samples: Samples) -> str:
        """Return both lines of each sample.

        Raises:
            InvalidFamilyError: A value is not a `SummaryValue`, its count is not a natural number, its sum is not a
                number, or label values do not match the label names.
        """
        return "".join([self._lines(values, value) for values, value in samples.items()])

    def openmetrics_text(self, samples: Samples) -> str:
        """Return the lines of each sample, without a sum that OpenMetrics does not allow.

        Raises:
            InvalidFamilyError: As `text` does.
        """
        return "".join([self._lines(values, value, openmetrics=True) for values, value in samples.items()])

    def keep(self, live: Sequence[Samples]) -> None:
        """Forget every series that is not among these samples."""
        if len(self._counts) > sum(map(len, live)):
            kept = {values for samples in live for values in samples}
            _drop_all_but(self._counts, kept)
            _drop_all_but(self._sums, kept)

    def _lines(self, values: LabelValues, value: Value, *, openmetrics: bool = False) -> str:
        if not isinstance(value, SummaryValue) or type(value.count) is not int or value.count < 0:
            raise InvalidFamilyError(
                f"expected a SummaryValue with a natural number as count, got {reprlib.repr(value)}"
            )
        total = "" if value.sum is None else f"{self._sums[values]}{_number(value.sum)}\n"
        shown = "" if openmetrics and not _only_grows(value.sum) else total
        return f"{self._counts[values]}{value.count}\n{shown}"


Lines = ScalarLines | HistogramLines | SummaryLines


class _ScalarBeginnings(dict[LabelValues, str]):
    """The cached line beginnings of scalar series."""

    def __init__(self, name: str, labels: LabelNames) -> None:
        super().__init__()
        self._name, self._labels = name, labels

    def __missing__(self, values: LabelValues) -> str:
        self[values] = beginning = f"{self._name}{_braces(_pairs(self._labels, values))} "
        return beginning


class _HistogramBeginnings(dict[tuple[LabelValues, _Bounds], tuple[str, ...]]):
    """The cached line beginnings of histogram series."""

    def __init__(self, name: str, labels: LabelNames) -> None:
        super().__init__()
        self._name, self._labels = name, labels

    def __missing__(self, key: tuple[LabelValues, _Bounds]) -> tuple[str, ...]:
        values, bounds = key
        pairs = _pairs(self._labels, values)
        buckets = [f"{self._name}_bucket{_braces([*pairs, bucket])} " for bucket in _bucket_pairs(bounds)]
        self[key] = beginnings = (*buckets, *(f"{self._name}{end}{_braces(pairs)} " for end in ("_count", "_sum")))
        return beginnings


def _drop_all_but(known: dict[_Key, _Beginnings], live: set[_Key]) -> None:
    for gone in known.keys() - live:
        del known[gone]


def _braces(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _pairs(labels: LabelNames, values: object) -> list[str]:
    """Return `name="value"` for each label.

    Raises:
        InvalidFamilyError: The values are not a tuple with one text for each label.
    """
    if not isinstance(values, tuple) or len(values) != len(labels):
        raise InvalidFamilyError(f"expected a tuple of values for the labels {labels}, got {reprlib.repr(values)}")
    return [f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True)]


def _escaped(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidFamilyError(f"expected text as label value, got {reprlib.repr(value)}")
    return well_formed(value).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _bucket_pairs(bounds: _Bounds) -> list[str]:
    """Return `le="bound"` for each bucket; the last is infinite.

    Raises:
        InvalidFamilyError: The bounds are not finite or not strictly ascending.
    """
    if not all(map(math.isfinite, bounds)) or any(low >= high for low, high in pairwise(bounds)):
        raise InvalidFamilyError(f"expected finite bounds that ascend strictly, got {reprlib.repr(bounds)}")
    return [f'le="{_canonical(bound)}"' for bound in bounds] + ['le="+Inf"']


def _canonical(bound: float) -> str:
    """Return a finite bound as OpenMetrics 1.0 requires it in `le`: Go's `%g`, with `.0` for whole numbers.

    Both formats use the same text, so a series keeps its identity in either.
    """
    text = repr(float(bound))
    if not _GO_EXPONENT_FROM <= abs(bound) < _PYTHON_EXPONENT_FROM:
        return text
    digits = text.lstrip("-").replace(".", "").rstrip("0")
    return f"{bound:.{len(digits) - 1}e}"


def _may_have_sum(histogram: HistogramValue) -> bool:
    """Return whether OpenMetrics 1.0 allows a sum and with it a count, whose value the last bucket has too."""
    return _only_grows(histogram.sum) and not (histogram.bounds and histogram.bounds[0] < 0)


def _only_grows(total: float | None) -> bool:
    """Return whether a sum can be one of a counter's values, as OpenMetrics 1.0 requires."""
    return total is not None and total >= 0


def _histogram(value: Value) -> HistogramValue:
    if not isinstance(value, HistogramValue):
        raise InvalidFamilyError(f"expected a HistogramValue, got {reprlib.repr(value)}")
    counts, bounds = value.counts, value.bounds
    if len(counts) != len(bounds) + 1 or set(map(type, counts)) != {int} or min(counts) < 0:
        raise InvalidFamilyError(
            f"expected {len(bounds) + 1} natural numbers as bucket counts, got {reprlib.repr(counts)}"
        )
    return value


def _plain(samples: Samples) -> Mapping[LabelValues, float]:
    """Return the samples with values whose `repr` is a number, unlike that of a bool or a `numpy.float64`."""
    if set(map(type, samples.values())) <= {int, float}:
        return samples  # type: ignore[return-value]  # proved by the comparison
    return {values: _plain_number(value) for values, value in samples.items()}


def _plain_number(value: Value) -> float:
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise InvalidFamilyError(f"expected a number as value, got {reprlib.repr(value)}")


def _number(value: float) -> str:
    number = _plain_number(value)
    return repr(number) if -_LARGEST <= number <= _LARGEST else _beyond_finite(number)


def _beyond_finite(number: float) -> str:
    if isinstance(number, int):
        raise InvalidFamilyError("expected a value within a 64-bit float, got a larger whole number")
    if math.isnan(number):
        return "NaN"
    return "+Inf" if number > 0 else "-Inf"
