from __future__ import annotations

from pathlib import Path

from collectors.containers.processes import Clock, oldest, states
from tests.collectors.containers.support import write, write_process


def test_states_are_counted_under_cadvisors_names(tmp_path: Path) -> None:
    for pid, state in (("1", "S"), ("2", "S"), ("3", "R"), ("4", "D"), ("5", "T"), ("6", "Z")):
        write(tmp_path, {f"proc/{pid}/stat": f"{pid} (a (b) c) {state} 1 2 3\n"})

    assert states(["1", "2", "3", "4", "5", "6", "7"], tmp_path / "proc") == {
        "sleeping": 2,
        "running": 1,
        "stopped": 1,
        "uninterruptible": 1,
    }


def test_of_no_processes_none_is_the_oldest(tmp_path: Path) -> None:
    write_process(tmp_path, "3", {})

    assert oldest([], Clock(tmp_path)) == ("", None)
    assert oldest(["2"], Clock(tmp_path)) == ("", None)
    assert oldest(["2", "3"], Clock(tmp_path)) == ("3", 0)
