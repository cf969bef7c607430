from __future__ import annotations

from pathlib import Path

from collectors.host.softirqs import families, parse
from tests.collectors.host.support import samples_of
from tests.support.waiting import eventually

TABLE = """\
                    CPU0       CPU2
          HI:          1          2
       TIMER:        300        400
"""


def test_parse_reads_each_kind_by_processor() -> None:
    assert parse(TABLE) == {("0", "HI"): 1, ("2", "HI"): 2, ("0", "TIMER"): 300, ("2", "TIMER"): 400}


def test_the_columns_of_processors_that_could_be_added_are_passed_over() -> None:
    assert parse("  CPU0\nHI: 1 0 0 0\n") == {("0", "HI"): 1}


def test_the_timers_of_this_machine_go_on() -> None:
    def timers() -> float:
        counts = samples_of(families(Path("/")), "node_softirqs_functions_total")
        return sum(count for (_, kind), count in counts.items() if kind == "TIMER")

    before = timers()

    eventually(lambda: timers() > before, "a timer ends")
