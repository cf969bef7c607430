"""The family names that plugins may use: one type and one help per name for all plugins.

The first plugin to use a name defines it for as long as the agent runs, since its totals stay that long.
"""

from __future__ import annotations

from typing import NamedTuple

from collectors.exposition_text.lines import FAMILY_NAME, LABEL_NAME, Labels
from collectors.metrics import MetricType, names_taken
from collectors.plugins.refusals import Reason, RefusedError

_RESERVED = ("scrape_", "node_", "process_", "python_", "wr_agent_", "audio_device_", "container_")
_OWN_SERIES = {"audio_engine_xruns_total": ("source", "device")}  # the audio collector's own series of that name
_RENAMED = ("plugin", "plugin_instance")  # the agent's own labels
_MOST_FAMILIES = 5_000
_NAME_LENGTH = 200
_MOST_LABELS = 32
_VALUE_LENGTH = 1_024
_HELP_LENGTH = 500


class Head(NamedTuple):
    """The name, type and help of a family."""

    name: str
    type: MetricType
    help: str


class FamilyNames:
    """The family names in use."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._taken: dict[str, Head] = {}

    def claim(self, name: str, type_: MetricType, help_: str) -> Head:
        """Return the head of a plugin's family.

        Raises:
            RefusedError: Not every Prometheus can read the name, it is the agent's own, or has another type already.
        """
        if not FAMILY_NAME.fullmatch(name):
            raise RefusedError(Reason.UNSUPPORTED_NAME, f"expected letters, digits, '_' and ':', got {name[:60]!r}")
        if is_reserved(name):
            raise RefusedError(Reason.RESERVED_NAME, f"{name} is reserved for the agent")
        if len(name) > _NAME_LENGTH:
            raise RefusedError(Reason.LABEL_LIMIT, f"expected names of at most {_NAME_LENGTH} bytes, got {name}")
        known = self._heads.get(name)
        if known and known.type == type_:
            return known
        wanted = names_taken(name, type_)
        for taker in filter(None, map(self._taken.get, wanted)):
            raise RefusedError(Reason.TYPE_CONFLICT, f"{name} ({type_}) contradicts {taker.name} ({taker.type})")
        if len(self._heads) >= _MOST_FAMILIES:
            raise RefusedError(Reason.TOO_MANY_SERIES, f"{name} exceeds the limit of {_MOST_FAMILIES} families")
        head = self._heads[name] = Head(name, type_, help_[:_HELP_LENGTH])
        self._taken |= dict.fromkeys(wanted, head)
        return head


def is_reserved(name: str) -> bool:
    """Return whether a name is reserved for the agent or Prometheus."""
    return name == "up" or name.startswith(_RESERVED)


def export_labels(name: str, labels: Labels) -> Labels:
    """Return the labels that a plugin's series is exported with, without those that the agent adds.

    Raises:
        RefusedError: They are too many, too long, reserved, or not every Prometheus can read their names.
    """
    if len(labels) > _MOST_LABELS or any(len(k) > _NAME_LENGTH or len(v) > _VALUE_LENGTH for k, v in labels):
        limits = f"{_MOST_LABELS} labels of at most {_NAME_LENGTH} and {_VALUE_LENGTH} characters"
        raise RefusedError(Reason.LABEL_LIMIT, f"{name}: expected at most {limits}")
    if unsupported := [label for label, _ in labels if not LABEL_NAME.fullmatch(label)]:
        detail = f"{name}: expected letters, digits and '_' as a label's name, got {unsupported[0][:60]!r}"
        raise RefusedError(Reason.UNSUPPORTED_NAME, detail)
    if any(label.startswith("__") for label, _ in labels):
        raise RefusedError(
            Reason.RESERVED_LABEL, f"{name}: labels that begin with two underscores are reserved for Prometheus"
        )
    if _OWN_SERIES.get(name) in labels:
        raise RefusedError(
            Reason.RESERVED_LABEL, f"{name}: source=device is reserved for the audio device; expected source=engine"
        )
    if not any(label in _RENAMED for label, _ in labels):
        return labels
    taken = {label for label, _ in labels}
    return tuple((_free(label, taken) if label in _RENAMED else label, value) for label, value in labels)


def _free(label: str, taken: set[str]) -> str:
    """Return the label renamed as Prometheus renames one that clashes with a target label."""
    while label in taken:
        label = f"exported_{label}"
    return label
