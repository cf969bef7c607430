"""Where a value turns from good to bad: the bounds of the alerts, as colours and lines."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import (
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

_GOOD, _BAD, _PLAIN = "green", "red", "text"


def _steps(base: str, *steps: Threshold) -> ThresholdsConfig:
    return ThresholdsConfig(ThresholdsMode.ABSOLUTE, [Threshold(None, base), *steps])


NONE = _steps(_PLAIN)
"""Every value is as good as another."""


def at_most(bound: float) -> ThresholdsConfig:
    """Bad from `bound` on."""
    return _steps(_GOOD, Threshold(bound, _BAD))


def at_least(bound: float) -> ThresholdsConfig:
    """Bad below `bound`."""
    return _steps(_BAD, Threshold(bound, _GOOD))


UP = at_least(1)
UP_OR_DOWN: list[ValueMapping] = [
    ValueMap({"1": ValueMappingResult("up", _GOOD), "0": ValueMappingResult("down", _BAD)})
]
"""Words for what is 1 or 0."""
