"""The metadata of a family: its HELP and TYPE lines, and the names that it reserves.

Formats: Prometheus text format 0.0.4, OpenMetrics 1.0 (which names a counter without its `_total`).
"""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass
from typing import get_args

from agent.exposition.invalid import InvalidFamilyError, well_formed
from collectors.metrics import MetricType, names_taken, openmetrics_name

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")  # Prometheus reserves two leading underscores
_TYPES = get_args(MetricType)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of one family in both formats.

    Attributes:
        name: The full name; for a counter with `_total`.
        type: The collector's type.
        help: The collector's help text.
        takes: The names that OpenMetrics reserves for this family; no other family may use them.
        text: The header lines in the text format.
        openmetrics: The header lines in OpenMetrics.
    """

    name: str
    type: MetricType
    help: str
    takes: tuple[str, ...]
    text: str
    openmetrics: str


def metadata(name: str, type: MetricType, help: str) -> Metadata:
    """Return the metadata of a family.

    Raises:
        InvalidFamilyError: The name or the type is invalid in Prometheus, or the help is not text.
    """
    _check(name, type, help)
    stem, om_type = openmetrics_name(name, type)
    line = well_formed(help).replace("\\", r"\\").replace("\n", r"\n")
    quoted = line.replace('"', r"\"")
    return Metadata(
        name,
        type,
        help,
        takes=names_taken(name, type),
        text=f"# HELP {name} {line}\n# TYPE {name} {'untyped' if type == 'unknown' else type}\n",
        openmetrics=f"# HELP {stem} {quoted}\n# TYPE {stem} {om_type}\n",
    )


def check_labels(name: str, type: MetricType, labels: object) -> None:
    """Refuse label names that are invalid in Prometheus.

    Raises:
        InvalidFamilyError: A name is malformed, duplicate or reserved for the type of the family.
    """
    if not isinstance(labels, tuple) or not all(
        isinstance(label, str) and _LABEL_NAME.fullmatch(label) for label in labels
    ):
        raise InvalidFamilyError(
            f"{name}: expected a tuple of label names such as ('device',), got {reprlib.repr(labels)}"
        )
    if len(set(labels)) != len(labels):
        raise InvalidFamilyError(f"{name}: expected distinct labels, got {reprlib.repr(labels)}")
    if type == "histogram" and "le" in labels:
        raise InvalidFamilyError(f"{name}: expected a histogram without the label `le`, which is the bucket's bound")
    if type == "summary" and "quantile" in labels:
        raise InvalidFamilyError(f"{name}: expected a summary without the label `quantile`; it has a count and a sum")


def _check(name: object, type: object, help: object) -> None:
    if not isinstance(name, str) or not _METRIC_NAME.fullmatch(name):
        raise InvalidFamilyError(f"expected a metric name such as `node_load1`, got {reprlib.repr(name)}")
    if type not in _TYPES:
        raise InvalidFamilyError(f"{name}: expected one of the types {', '.join(_TYPES)}, got {reprlib.repr(type)}")
    if not isinstance(help, str):
        raise InvalidFamilyError(f"{name}: expected a sentence as help, got {reprlib.repr(help)}")
