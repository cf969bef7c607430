"""Which family names plugins may have, and what was said of each: one name, one type and one help for all plugins.

The first plugin to use a name says what it is, for as long as the agent runs: its totals do.
"""

from __future__ import annotations

from typing import NamedTuple

from collectors.exposition_text.lines import Labels
from collectors.metrics import MetricType, names_taken
from collectors.plugins.refusals import Reason, RefusedError

_RESERVED = ("scrape_", "node_", "process_", "python_", "wr_agent_", "audio_device_", "container_")
_OWN_SERIES = {"audio_engine_xruns_total": ("source", "device")}  # what the audio collector says under that name
_RENAMED = ("plugin", "plugin_instance")  # the agent's own labels
_MOST_FAMILIES = 5_000
_NAME_LENGTH = 200
_MOST_LABELS = 32
_VALUE_LENGTH = 1_024
_HELP_LENGTH = 500


class Head(NamedTuple):
    """What the header lines of a family say."""

    name: str
    type: MetricType
    help: str


class FamilyNames:
    """The names in use."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._taken: dict[str, Head] = {}

    def claim(self, name: str, type_: MetricType, help_: str) -> Head:
        """The head of a family that a plugin has.

        Raises:
            RefusedError: The name is the agent's own, or in use for something else.
        """
        if is_reserved(name):
            raise RefusedError(Reason.RESERVED_NAME, f"{name} is the agent's own to report")
        if len(name) > _NAME_LENGTH:
            raise RefusedError(Reason.LABEL_LIMIT, f"expected names of at most {_NAME_LENGTH} bytes, got {name}")
        known = self._heads.get(name)
        if known and known.type == type_:
            return known
        wanted = names_taken(name, type_)
        for taker in filter(None, map(self._taken.get, wanted)):
            raise RefusedError(Reason.TYPE_CONFLICT, f"{name} ({type_}) contradicts {taker.name} ({taker.type})")
        if len(self._heads) >= _MOST_FAMILIES:
            raise RefusedError(Reason.TOO_MANY_SERIES, f"{name} is one more than {_MOST_FAMILIES} families")
        head = self._heads[name] = Head(name, type_, help_[:_HELP_LENGTH])
        self._taken |= dict.fromkeys(wanted, head)
        return head


def is_reserved(name: str) -> bool:
    """Whether a name is the agent's own, or Prometheus's."""
    return name == "up" or name.startswith(_RESERVED)


def export_labels(name: str, labels: Labels) -> Labels:
    """The labels that a plugin's series is exported with, beside those that the agent adds.

    Raises:
        RefusedError: They are too many or too long, or not a plugin's to say.
    """
    if len(labels) > _MOST_LABELS or any(len(k) > _NAME_LENGTH or len(v) > _VALUE_LENGTH for k, v in labels):
        limits = f"{_MOST_LABELS} labels of at most {_NAME_LENGTH} and {_VALUE_LENGTH} characters"
        raise RefusedError(Reason.LABEL_LIMIT, f"{name}: expected at most {limits}")
    if any(label.startswith("__") for label, _ in labels):
        raise RefusedError(Reason.RESERVED_LABEL, f"{name}: labels that begin with two underscores are Prometheus's")
    if _OWN_SERIES.get(name) in labels:
        raise RefusedError(Reason.RESERVED_LABEL, f"{name}: source=device is the audio device's own, say source=engine")
    if not any(label in _RENAMED for label, _ in labels):
        return labels
    taken = {label for label, _ in labels}
    return tuple((_free(label, taken) if label in _RENAMED else label, value) for label, value in labels)


def _free(label: str, taken: set[str]) -> str:
    """The label as Prometheus renames one that clashes with a target's."""
    while label in taken:
        label = f"exported_{label}"
    return label
