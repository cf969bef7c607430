"""The names of clients without ports."""

from __future__ import annotations

import pytest

from collectors.audio.causes.recorder.portless import name_portless

ORDER = ["system", "freewheel", "synth", "meter", "wr-agent", "clock"]


@pytest.mark.parametrize(
    ("numbers", "named", "order", "before", "found"),
    [
        ({3, 5}, {0: "system", 2: "synth"}, ORDER, {}, {3: "meter", 5: "clock"}),
        ({3}, {0: "system", 4: "synth"}, ["system", "freewheel", "synth", "meter"], {}, {}),
        ({3}, {4: "synth"}, ["synth", "meter"], {}, {3: "meter"}),
        ({3, 6}, {4: "synth"}, ["synth", "meter", "clock"], {3: "clock"}, {3: "clock", 6: "meter"}),
        ({3, 6}, {4: "synth"}, ["synth", "meter", "clock"], {}, {}),
        ({3}, {4: "synth"}, ["synth", "meter", "clock"], {3: "gone"}, {}),
        (set(), {0: "system"}, ORDER, {3: "meter"}, {}),
    ],
    ids=["by order", "numbers out of order", "only one", "the other is known", "two", "the known one is gone", "none"],
)
def test_names_are_given_where_they_are_certain(
    numbers: set[int], named: dict[int, str], order: list[str], before: dict[int, str], found: dict[int, str]
) -> None:
    assert name_portless(numbers, named, order, before) == found
