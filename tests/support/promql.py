"""The metrics that an expression selects."""

from __future__ import annotations

import re

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_SELECTORS = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
_GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"}
_DURATION = re.compile(r"\boffset\s+\S+")


def metric_names(expression: str) -> set[str]:
    """Return the names of all series that a PromQL expression selects by name."""
    text = _GROUPINGS.sub(" ", _SELECTORS.sub(" ", _STRINGS.sub('""', expression)))
    return set(_NAME.findall(_DURATION.sub(" ", text))) - _KEYWORDS
