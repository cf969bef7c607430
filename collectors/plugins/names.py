"""The names of plugins, and the family names that they may use: one type and one help per name for all plugins.

The first plugin to use a name defines it for as long as the agent runs, since its totals stay that long.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from collectors.exposition_text.lines import FAMILY_NAME, LABEL_NAME, Labels
from collectors.metrics import MetricType, names_taken
from collectors.plugins.refusals import Reason, Refusal, RefusedError

PLUGIN_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""The regular expression of a plugin's name, as in the name of its socket."""

_RESERVED = ("scrape_", "node_", "process_", "python_", "wr_agent_", "audio_device_", "container_")
_OWN_SERIES = {"audio_engine_xruns_total": ("source", "device")}  # the audio collector's own series of that name
_RENAMED = ("plugin", "plugin_instance")  # the agent's own labels
_MOST_FAMILIES = 5_000
_MOST_PUSHED_FAMILIES = 1_000
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
    """The family names in use.

    Args:
        most: The limit of names.
    """

    def __init__(self, most: int = _MOST_FAMILIES) -> None:
        self._most = most
        self._heads: dict[str, Head] = {}
        self._taken: dict[str, Head] = {}

    def claim(self, name: str, type_: MetricType, help_: str) -> Head:
        """Return the head of a plugin's family.

        Raises:
            RefusedError: Not every Prometheus can read the name, it is the agent's own, or has another type already.
        """
        if known := self.known(name, type_):
            return known
        if not FAMILY_NAME.fullmatch(name):
            raise RefusedError(Reason.UNSUPPORTED_NAME, f"expected letters, digits, '_' and ':', got {name[:60]!r}")
        if is_reserved(name):
            raise RefusedError(Reason.RESERVED_NAME, f"{name} is reserved for the agent")
        if len(name) > _NAME_LENGTH:
            raise RefusedError(Reason.LABEL_LIMIT, f"expected names of at most {_NAME_LENGTH} bytes, got {name}")
        if taker := self.contradiction(name, type_):
            raise RefusedError(Reason.TYPE_CONFLICT, f"{name} ({type_}) contradicts {taker.name} ({taker.type})")
        if len(self._heads) >= self._most:
            raise RefusedError(Reason.TOO_MANY_SERIES, f"{name} exceeds the limit of {self._most} families")
        head = self._heads[name] = Head(name, type_, help_[:_HELP_LENGTH])
        self._taken |= dict.fromkeys(names_taken(name, type_), head)
        return head

    def known(self, name: str, type_: MetricType) -> Head | None:
        """Return the family of this name and type; None if there is none."""
        found = self._heads.get(name)
        return found if found and found.type == type_ else None

    def contradiction(self, name: str, type_: MetricType) -> Head | None:
        """Return a family that this name and type contradict; None if there is none."""
        if self.known(name, type_):
            return None
        return next(filter(None, map(self._taken.get, names_taken(name, type_))), None)


class PushedFamilyNames(FamilyNames):
    """The family names in use by pushed pages. Pages of sockets take precedence, whichever came first.

    Args:
        polled: The names of the sockets' pages.
    """

    def __init__(self, polled: FamilyNames) -> None:
        super().__init__(_MOST_PUSHED_FAMILIES)
        self._polled = polled

    def claim(self, name: str, type_: MetricType, help_: str) -> Head:
        """Return the head of a pushed family.

        Raises:
            RefusedError: As for a family of a socket's page; or a socket's page gives the name another type.
        """
        if known := self._polled.known(name, type_):
            return known
        if taker := self._polled.contradiction(name, type_):
            raise RefusedError(Reason.TYPE_CONFLICT, f"{name} ({type_}) contradicts {taker.name} ({taker.type})")
        return super().claim(name, type_, help_)

    def overruled(self) -> frozenset[Head]:
        """Return the families that contradict one of a socket's page, which came later."""
        heads = list(self._heads.values())
        return frozenset(head for head in heads if self._polled.contradiction(head.name, head.type))


def is_reserved(name: str) -> bool:
    """Return whether a name is reserved for the agent or Prometheus."""
    return name == "up" or name.startswith(_RESERVED)


def export_labels(name: str, labels: Labels) -> Labels:
    """Return the labels that a plugin's series is exported with, without those that the agent adds.

    Raises:
        RefusedError: They are too many, too long, reserved, or not every Prometheus can read their names.
    """
    names = tuple([label for label, _ in labels])
    if problem := _names_problem(names):
        raise RefusedError(problem.reason, f"{name}: {problem.detail}")
    if any(len(value) > _VALUE_LENGTH for _, value in labels):
        raise RefusedError(Reason.LABEL_LIMIT, f"{name}: expected values of at most {_VALUE_LENGTH} characters")
    if _OWN_SERIES.get(name) in labels:
        detail = f"{name}: source=device is reserved for the audio device; expected source=engine"
        raise RefusedError(Reason.RESERVED_LABEL, detail)
    if not any(label in _RENAMED for label in names):
        return labels
    taken = set(names)
    return tuple((_free(label, taken) if label in _RENAMED else label, value) for label, value in labels)


@lru_cache(maxsize=4_096)  # the series of a page have few sets of names
def _names_problem(names: tuple[str, ...]) -> Refusal | None:
    """Return why labels with these names are refused; None if they are not."""
    if len(names) > _MOST_LABELS or any(len(label) > _NAME_LENGTH for label in names):
        return Refusal(
            Reason.LABEL_LIMIT,
            f"expected at most {_MOST_LABELS} labels with names of at most {_NAME_LENGTH} characters",
        )
    if unsupported := [label for label in names if not LABEL_NAME.fullmatch(label)]:
        detail = f"expected letters, digits and '_' as a label's name, got {unsupported[0][:60]!r}"
        return Refusal(Reason.UNSUPPORTED_NAME, detail)
    if any(label.startswith("__") for label in names):
        return Refusal(Reason.RESERVED_LABEL, "labels that begin with two underscores are reserved for Prometheus")
    return None


def _free(label: str, taken: set[str]) -> str:
    """Return the label renamed as Prometheus renames one that clashes with a target label."""
    while label in taken:
        label = f"exported_{label}"
    return label
