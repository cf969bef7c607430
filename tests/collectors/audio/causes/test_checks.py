from __future__ import annotations

from dataclasses import replace

from collectors.audio.causes.checks import ExplainingState, explaining_checks
from collectors.findings import Finding, Severity

HIGHEST = ExplainingState(
    enabled=True, macos=False, measured=True, graph_problem="", kernel_problem="", directory="/state", store_problem=""
)


def findings(state: ExplainingState) -> dict[str, Finding]:
    return {finding.code: finding for check in explaining_checks(lambda: state) for finding in check.run()}


def test_the_highest_level_is_no_finding() -> None:
    assert findings(HIGHEST) == {}


def test_a_level_is_said_with_what_the_next_one_takes() -> None:
    one = findings(replace(HIGHEST, kernel_problem="No kernel trace: none runs."))["audio-evidence-level"]
    zero = findings(replace(HIGHEST, graph_problem="No timings: permission denied.", kernel_problem="None."))[
        "audio-evidence-level"
    ]

    assert one.severity is zero.severity is Severity.INFO
    assert one.title == "Dropouts are explained at level 1 of 2"
    assert one.detail.endswith("root's privileges. No kernel trace: none runs.")
    assert "sudo wr-agent service install --recorder" in one.remedy
    assert zero.title == "Dropouts are explained at level 0 of 2"
    assert zero.detail.endswith("No timings: permission denied.")
    assert any("read right on the server's memory" in step for step in zero.remedy)


def test_without_a_device_there_is_nothing_to_explain() -> None:
    assert findings(replace(HIGHEST, measured=False, graph_problem="No JACK server runs.")) == {}


def test_macos_and_the_switch_have_a_finding_of_their_own() -> None:
    assert "macOS" in findings(replace(HIGHEST, macos=True))["audio-evidence-level"].title
    assert findings(replace(HIGHEST, enabled=False))["audio-not-explained"].severity is Severity.INFO


def test_events_that_cannot_be_saved_are_a_finding() -> None:
    found = findings(replace(HIGHEST, store_problem="No space left on device"))["audio-events-unsaved"]

    assert found.severity is Severity.WARNING
    assert found.detail == "Expected to write to /state, found: No space left on device."
