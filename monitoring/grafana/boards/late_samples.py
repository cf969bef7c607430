"""Recordings of machines that push: computed from raw series, as a recording misses samples that arrive late."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[2] / "prometheus/rules/recording.yml"

PUSHED = 'job="wr-agent"'
"""The selector of pushed series."""

_OF_A_MACHINE = re.compile(
    r"(?:\bmax_over_time\((?=[^\[]*\[(?P<range>\$__\w+)\]\)))?"
    r"\b(?!host:push:)(?P<name>host(?:_\w+)?:\w+(?::\w+)?)\{(?P<labels>[^}]*)\}(?(range)\[\$__\w+\]\))"
)
_SELECTOR = re.compile(
    r"""
    (?: \b(?:by|on|ignoring|without|group_left|group_right)\s*\([^)]*\) | "[^"]*" | \[[^\]]*\] )
    | (?<![\w:.$]) (?P<name>[a-zA-Z_:][\w:]*) (?![\w:]) (?:\{(?P<labels>[^}]*)\})? (?!\s*(?:\(|by\b|without\b))
    """,
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "by", "on"}


def with_late_samples(expression: str) -> str:
    """Return the expression with raw values of machines that push in the place of recordings of a machine.

    The maximum of a recording over a range is that of all its samples. Of raw values, it is that of the graph's points.
    """
    return _OF_A_MACHINE.sub(_replaced, expression)


def _replaced(found: re.Match[str]) -> str:
    raw, recorded = _raw(found["name"], found["labels"]), f"{found['name']}{{{found['labels']}}}"
    if (range_ := found["range"]) is None:
        return f"({raw} or 0 + {recorded})"
    late = f'label_replace(max_over_time(({raw})[{range_}:$__interval]), "late", "yes", "", "")'
    return f"max without (late) ({late} or max_over_time({recorded}[{range_}]))"


def _raw(name: str, labels: str) -> str:
    """Return the expressions of a recording for pushed series with further labels."""
    found = [_labelled(_selected(" ".join(rule["expr"].split()), labels), rule) for rule in _rules()[name]]
    return " or ".join(f"({one})" for one in found)


def _labelled(expression: str, rule: Mapping[str, Any]) -> str:
    for label, value in rule.get("labels", {}).items():
        expression = f'label_replace({expression}, "{label}", "{value}", "", "")'
    return expression


def _selected(expression: str, labels: str) -> str:
    return _SELECTOR.sub(partial(_with_labels, labels), expression)


def _with_labels(labels: str, found: re.Match[str]) -> str:
    name = found["name"]
    if name is None or name in _KEYWORDS:
        return found[0]
    if name in _rules():
        return _raw(name, labels)
    given = [found["labels"]] if found["labels"] else []
    return f"{name}{{{','.join([*given, PUSHED, labels])}}}"


@cache
def _rules() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the recording rules by name."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            found.setdefault(rule["record"], []).append(rule)
    return found
