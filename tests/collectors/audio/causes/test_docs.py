"""docs/explaining-dropouts.md, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.audio.causes import analysis_process, child, explainer, reading, store, words
from collectors.audio.causes.event import Cause, Culprit, Event
from collectors.audio.dropouts import HOLD_NS
from collectors.audio.history import FILE

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "explaining-dropouts.md").read_text()
TEXT = " ".join(PAGE.split())
NAMED = set(re.findall(r"`([^`\s]+)`", PAGE))


def test_every_cause_and_no_other_is_in_its_table() -> None:
    (table,) = re.findall(r"^## Causes$(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]

    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(Cause)
    assert set(words.CAUSES) == set(Cause)


@pytest.mark.parametrize("name", [*Event.__struct_fields__, *Culprit.__struct_fields__])
def test_every_field_is_named(name: str) -> None:
    assert name in NAMED


@pytest.mark.parametrize(
    "name", [reading.EVENTS, reading.OLDER_EVENTS, store.PENDING, FILE, f"{store.EVIDENCE}/ID.json.gz"]
)
def test_every_file_is_named(name: str) -> None:
    assert name in NAMED


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"a niceness of {child.NICENESS}, at most {child.CPU_SECONDS} s of processor time" in TEXT
    assert f"{child.MEMORY_BYTES >> 20} MiB of memory and {analysis_process.TIMEOUT_SECONDS:g} s of time" in TEXT
    assert f"wait longer than {explainer.PATIENCE_NS / 1e9:g} s" in TEXT
    assert explainer.INTERVAL_NS == 10**9
    assert HOLD_NS == 10**9
    assert f"at least the newest {reading.MOST_EVENTS:,}, or those of {store.KEEP_SECONDS / 86400:g} days" in TEXT
    assert f"of the newest {store.MOST_EVIDENCE} dropouts, at most {store.MOST_EVIDENCE_BYTES >> 20} MiB" in TEXT
