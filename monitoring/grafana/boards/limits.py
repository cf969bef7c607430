"""The limits at which alerts fire, as colours of single values and as lines in graphs."""

from __future__ import annotations

from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

GOOD, BAD, WARNING, PLAIN = "green", "red", "orange", "text"


class Limit(NamedTuple):
    """A limit of an alert.

    Attributes:
        bound: The value.
        above: True if values from `bound` on are bad, false if values below it are.
    """

    bound: float
    above: bool


def at_most(bound: float) -> Limit:
    """Return a limit that higher values exceed."""
    return Limit(bound, above=True)


def at_least(bound: float) -> Limit:
    """Return a limit that lower values fall below."""
    return Limit(bound, above=False)


def _steps(base: str, *steps: Threshold) -> ThresholdsConfig:
    return ThresholdsConfig(ThresholdsMode.ABSOLUTE, [Threshold(None, base), *steps])


def colours(limit: Limit | None) -> ThresholdsConfig:
    """Return the colours of a single value."""
    if limit is None:
        return _steps(PLAIN)
    below, above = (GOOD, BAD) if limit.above else (BAD, GOOD)
    return _steps(below, Threshold(limit.bound, above))


def line(limit: Limit | None) -> ThresholdsConfig:
    """Return the red line of a graph."""
    return _steps(PLAIN) if limit is None else _steps(PLAIN, Threshold(limit.bound, BAD))


def missing(text: str) -> SpecialValueMap:
    """Return the mapping of a missing value to a text without a colour: the lowest colour may be red."""
    return SpecialValueMap(DashboardSpecialValueMapOptions(SpecialValueMatch.NULL, ValueMappingResult(text, PLAIN)))


UP = at_least(1)
UP_OR_DOWN: list[ValueMapping] = [
    ValueMap({"1": ValueMappingResult("up", GOOD), "0": ValueMappingResult("down", BAD)}),
]
"""The words for 1 and 0."""

PRIORITIES: list[ValueMapping] = [
    ValueMap({"2": ValueMappingResult("P0", BAD), "1": ValueMappingResult("P1", WARNING)}),
]
"""The words for the values of the incident strip."""

COVERAGE: list[ValueMapping] = [
    ValueMap(
        {
            "3": ValueMappingResult("measured", GOOD),
            "2": ValueMappingResult("backs off", "yellow"),
            "1": ValueMappingResult("passive only", WARNING),
            "0": ValueMappingResult("not watched", BAD),
        }
    ),
]
"""The words for the ways in which a device is watched."""
