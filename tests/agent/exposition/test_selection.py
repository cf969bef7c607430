from __future__ import annotations

import pytest

from agent.exposition.selection import Selectable, SelectionError, asked, chosen, select
from collectors.metrics import gauge

COLLECTORS = ("audio", "host")
PARTS = {"cpu": "host", "meminfo": "host", "time": "host"}
SELECTABLE = Selectable(COLLECTORS, PARTS)


@pytest.mark.parametrize(
    ("collect", "exclude", "expected"),
    [
        ([], [], {"audio", "host"}),
        (["audio"], [], {"audio"}),
        (["cpu", "meminfo"], [], {"cpu", "meminfo"}),
        (["audio", "cpu"], [], {"audio", "cpu"}),
        ([], ["host"], {"audio"}),
        ([], ["cpu"], {"audio", "meminfo", "time"}),
        ([], ["cpu", "host"], {"audio"}),
    ],
)
def test_names_are_selected(collect: list[str], exclude: list[str], expected: set[str]) -> None:
    assert select(collect, exclude, SELECTABLE) == expected


def test_strange_names_are_told_with_what_there_is() -> None:
    with pytest.raises(
        SelectionError, match="unknown collector: wifi; expected one of audio, host, cpu, meminfo, time"
    ):
        select(["wifi"], [], SELECTABLE)


def test_both_at_once_make_no_sense() -> None:
    with pytest.raises(SelectionError, match="cannot be combined"):
        select(["cpu"], ["audio"], SELECTABLE)


def test_parts_are_had_from_their_collector() -> None:
    assert asked({"cpu", "meminfo", "audio"}, PARTS) == {"host", "audio"}


def test_only_the_families_of_selected_parts_are_chosen() -> None:
    families = [gauge(name, "Help.", 1.0) for name in ("a", "b", "c")]

    assert chosen(families, {"cpu"}, {"cpu": {"a", "c"}, "time": {"b", "c"}}) == [families[0], families[2]]
