from pathlib import Path

import pytest

from agent.doctor.agent import clock
from tests.agent.doctor.support import Machine, codes


@pytest.mark.parametrize(("kept", "expected"), [(True, []), (None, []), (False, ["clock-not-synchronized"])])
def test_a_clock_that_nobody_keeps(kept: bool | None, expected: list[str]) -> None:  # noqa: FBT001 - a case
    assert codes(clock.check(kept)) == expected


def test_where_the_kernel_does_not_answer_systemd_is_asked(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    class Refused:
        def families(self) -> None:
            raise PermissionError(1, "adjtimex")

    monkeypatch.setattr(clock, "Timex", Refused)

    assert clock.kept(machine({})) is None
    assert clock.kept(machine({"run/systemd/timesync/synchronized": ""})) is True


def test_this_kernel_says_whether_its_clock_is_kept() -> None:
    assert clock.kept(Path("/")) in {True, False}
