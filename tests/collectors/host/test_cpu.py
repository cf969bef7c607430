from __future__ import annotations

from pathlib import Path

from collectors.host.cpu import Cpu, forward, parse
from tests.collectors.host.support import Tree, samples_of

STAT = """\
cpu  5014 0 2179 161279 469 0 53 13 0 0
cpu0 949 1 704 82851 14 2 8 3 40 50
cpu1 4065 0 1475 78427 455 0 44 11 0 0
intr 181957 0 0
ctxt 338670
"""


def test_parse_reads_each_processor_and_not_their_sum() -> None:
    processors = parse(STAT)

    assert processors == {
        "0": (949, 1, 704, 82851, 14, 2, 8, 3, 40, 50),
        "1": (4065, 0, 1475, 78427, 455, 0, 44, 11, 0, 0),
    }


def test_parse_of_an_offline_processor_keeps_the_others_numbers() -> None:
    assert list(parse("cpu 1 1 1 1\ncpu0 1 1 1 1\ncpu3 1 1 1 1\nintr 5\n")) == ["0", "3"]


def test_families_are_seconds_by_processor_and_mode(tree: Tree) -> None:
    families = Cpu(tree({"proc/stat": STAT})).families()

    seconds = samples_of(families, "node_cpu_seconds_total")
    guests = samples_of(families, "node_cpu_guest_seconds_total")
    assert {mode: seconds["0", mode] for mode in ("user", "nice", "system", "idle")} == {
        "user": 9.49,
        "nice": 0.01,
        "system": 7.04,
        "idle": 828.51,
    }
    assert {mode: seconds["0", mode] for mode in ("iowait", "irq", "softirq", "steal")} == {
        "iowait": 0.14,
        "irq": 0.02,
        "softirq": 0.08,
        "steal": 0.03,
    }
    assert (guests["0", "user"], guests["0", "nice"]) == (0.4, 0.5)
    assert len(seconds) == 16


def test_a_counter_that_steps_back_stays() -> None:
    before = (10, 0, 5, 1000, 40, 0, 0, 0, 0, 0)
    now = (11, 0, 5, 999, 39, 0, 0, 0, 0, 0)

    assert forward(before, now) == (11, 0, 5, 1000, 40, 0, 0, 0, 0, 0)


def test_a_processor_that_was_unplugged_counts_from_the_start_again() -> None:
    before = (10, 0, 5, 1000, 40, 0, 0, 0, 0, 0)
    now = (0, 0, 0, 2, 0, 0, 0, 0, 0, 0)

    assert forward(before, now) == now


def test_families_remember_what_was_exported(tree: Tree) -> None:
    root = tree({"proc/stat": "cpu0 10 0 5 1000 40 0 0 0 0 0\n"})
    cpu = Cpu(root)
    cpu.families()

    tree({"proc/stat": "cpu0 10 0 5 1000 39 0 0 0 0 0\n"})

    assert samples_of(cpu.families(), "node_cpu_seconds_total")["0", "iowait"] == 0.4


def test_the_real_processors_are_all_there() -> None:
    seconds = samples_of(Cpu(Path("/")).families(), "node_cpu_seconds_total")

    assert {cpu for cpu, _ in seconds} == set(parse(Path("/proc/stat").read_text()))
    assert sum(value for (_, mode), value in seconds.items() if mode == "idle") > 0
