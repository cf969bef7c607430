from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from collectors import remedies
from collectors.audio.causes.event import Cause, Culprit
from collectors.audio.causes.fixes import fixes, main_fixes
from tests.support.analyses import event


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "is_installed", lambda _: True)
    monkeypatch.setattr(remedies, "is_macos", lambda: False)


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_a_fix(cause: Cause) -> None:
    found = fixes(event(1, cause))

    assert found
    assert all(step and not step.endswith(".") for step in found)


@pytest.mark.parametrize("cause", Cause)
def test_no_name_of_a_program_is_in_a_command(cause: Cause) -> None:
    culprit = Culprit(kind="process", name="$(reboot)", pid=4711)

    assert "reboot" not in " ".join(fixes(replace(event(1, cause), culprit=culprit)))


def test_commands_name_the_culprit_by_its_pid_or_are_left_out() -> None:
    found = fixes(event(1, Cause.PREEMPTED))
    assert "chrt -p 4711  # shows its scheduling policy and priority" in found

    without = fixes(replace(event(1, Cause.PREEMPTED), culprit=None))
    assert not any(re.search(r"-p 0$|\\{pid|-p  ", step) or "chrt" in step for step in without)


def test_programs_that_are_not_installed_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "is_installed", lambda _: False)

    assert not any("chrt" in step or "vmstat" in step for cause in Cause for step in fixes(event(1, cause)))


def test_the_fixes_are_those_of_the_main_known_cause() -> None:
    events = [event(1, Cause.UNKNOWN), event(2, Cause.UNKNOWN), event(3, Cause.STEAL)]

    assert main_fixes(events) == fixes(event(3, Cause.STEAL))
    assert main_fixes(events[:2])[0] == f"wr-agent dropouts show {event(2).id}"
    assert main_fixes([]) == ()
