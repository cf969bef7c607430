"""The shared parts of stage configurations: their base, names of fields and labels, and regular expressions."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from collectors.logs.stages.entries import Stage

FieldNames = list[str] | dict[str, str]
"""A list of fields, or a table of new names and fields."""

SEARCHED_CHARACTERS = 4096

MAX_NAME = 1024
"""The longest label name that Loki takes by default."""

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PERSON = re.compile(r"(.*[._-])?(user|account|member|customer)[._-]?(id|uuid|guid)|(.*[._-])?e-?mail", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a stage.

    Attributes:
        source: The name of the log source.
        state_dir: The folder of persistent state, or `None` to keep nothing.
    """

    source: str
    state_dir: Path | None = None


class StageConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The configuration of one stage. An invalid setting raises ValueError."""

    @abstractmethod
    def build(self, context: Context) -> Stage:
        """Build the configured stage."""


def searched(text: str) -> str:
    """Return the searched part of a text: its beginning, with a mark so that `$` does not match where it was cut."""
    return text if len(text) <= SEARCHED_CHARACTERS else text[:SEARCHED_CHARACTERS] + "…"


def by_name(fields: FieldNames) -> Mapping[str, str]:
    """Return the fields by their new names."""
    return fields if isinstance(fields, dict) else {name: name for name in fields}


def check_labels(names: Collection[str], shown: Iterable[str] = ()) -> None:
    """Refuse labels that Loki or Prometheus would refuse, and labels that identify a person.

    Args:
        names: The names of the labels.
        shown: The fields that the labels show.

    Raises:
        ValueError: A name or field cannot be a label.
    """
    for name in names:
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise ValueError(f"expected a label name of letters, digits and _ without __ in front, got {name!r}")
        if len(name) > MAX_NAME:
            raise ValueError(f"expected a label name of at most {MAX_NAME} characters, got {len(name)}")
    for name in (*names, *shown):
        if _PERSON.fullmatch(name):
            raise ValueError(f"{name} identifies a person and cannot be a label; use structured_metadata instead")


def check_stream_labels(names: Collection[str], shown: Iterable[str] = ()) -> None:
    """Refuse what `check_labels` does, and the label that keeps the lines of two files apart.

    Args:
        names: The names of the labels.
        shown: The fields that the labels show.

    Raises:
        ValueError: A name or field cannot be a label of a stream.
    """
    if "filename" in names:
        raise ValueError(
            "the label filename belongs to the agent and keeps equal lines of two files apart; choose another"
        )
    check_labels(names, shown)
