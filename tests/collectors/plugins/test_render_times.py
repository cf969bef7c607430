"""The render times of the last minute against the deadline."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from collectors.metrics import HistogramValue
from collectors.plugins.checks import plugin_checks
from collectors.plugins.render_times import AT_RISK, WINDOW_SECONDS, LateRendering, RenderTimes, SlowestRender
from collectors.plugins.sockets import FoundSockets
from collectors.plugins.view import PluginView

RULES = Path(__file__).parents[3] / "monitoring/prometheus/rules"
BOUNDS = (0.001, 0.002, 0.004, 0.005, 0.006, 0.008)
DEADLINE = 0.005


def view(counts: dict[float, int], *, deadline: float | None = DEADLINE, xruns: float | None = None) -> PluginView:
    """Return a plugin with so many buffers in the bucket of each upper bound, since its start."""
    values = tuple(counts.get(bound, 0) for bound in (*BOUNDS, float("inf")))
    return PluginView("reverb", 1, 1, HistogramValue(BOUNDS, values, None), deadline, xruns)


def after(*views: PluginView, step: float = 10.0) -> list[LateRendering]:
    """Return what is late after looks at these views."""
    times = RenderTimes()
    for number, it in enumerate(views):
        times.look([it], number * step)
    return times.late()


def test_a_plugin_in_time_is_not_late() -> None:
    assert after(view({0.001: 0}), view({0.001: 1000})) == []


def test_a_plugin_close_to_its_deadline_is_late() -> None:
    (late,) = after(view({}), view({0.004: 0, 0.005: 1000}))

    assert late.plugin == "reverb"
    assert AT_RISK < late.share < 1
    assert late.over == 0


def test_a_plugin_over_its_deadline_has_the_share_of_late_buffers_and_its_dropouts() -> None:
    (late,) = after(view({}, xruns=2.0), view({0.002: 900, 0.008: 100}, xruns=7.0))

    assert late.share > 1
    assert late.over == pytest.approx(0.1)
    assert late.xruns == 5


def test_what_was_before_the_first_look_does_not_count() -> None:
    assert after(view({0.008: 1000}), view({0.008: 1000, 0.001: 1000})) == []


def test_it_ends_a_minute_after_the_plugin_is_in_time_again() -> None:
    late = view({0.008: 1000})
    rounds = int(WINDOW_SECONDS // 10) + 1
    calm = [view({0.008: 1000, 0.001: 1000 * number}) for number in range(1, rounds + 1)]

    assert after(view({}), late, *calm[:2]) != []
    assert after(view({}), late, *calm) == []


def test_the_last_minute_is_there_from_the_second_look_on() -> None:
    times = RenderTimes()
    times.look([view({0.001: 5})], 0.0)
    once = times.recent("reverb")
    times.look([view({0.001: 5, 0.002: 3})], 5.0)
    twice = times.recent("reverb")

    assert once is None
    assert twice is not None
    assert sum(twice.counts) == 3
    assert times.recent("synth") is None


def test_one_look_is_not_enough() -> None:
    assert after(view({0.008: 1000})) == []
    assert after(view({}), view({0.008: 1000}), step=5.0) == []


def test_a_plugin_that_does_not_render_or_names_no_deadline_is_not_late() -> None:
    assert after(view({0.008: 5}), view({0.008: 5})) == []
    assert after(view({}, deadline=None), view({0.008: 1000}, deadline=None)) == []


def test_a_plugin_that_is_gone_is_forgotten() -> None:
    times = RenderTimes()
    times.look([view({})], 0.0)
    times.look([view({0.008: 1000})], 10.0)
    times.look([], 20.0)

    assert times.late() == []


def test_the_finding_says_how_late_and_is_a_failure_above_the_deadline() -> None:
    late = [
        LateRendering("reverb", 0.0046, DEADLINE, 0.0, None),
        LateRendering("synth", 0.0061, DEADLINE, 0.021, 3),
    ]
    checks = plugin_checks(FoundSockets, list, list, list, lambda: late)
    (deadlines,) = [check for check in checks if check.name == "plugins.deadlines"]

    close, over = deadlines.run()

    assert (close.severity.value, over.severity.value) == ("warning", "failure")
    assert close.title == "The plugin reverb is close to its deadline"
    assert "4.6 ms, 92% of the 5 ms of a buffer" in close.detail
    assert over.title == "The plugin synth misses its deadline"
    assert "2.1% of its buffers took longer. It reported 3 dropouts" in over.detail


def test_the_alert_has_the_same_threshold_and_window() -> None:
    alerts = {
        rule["alert"]: rule["expr"]
        for group in yaml.safe_load((RULES / "audio.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    recorded = {
        rule["record"]: rule["expr"]
        for group in yaml.safe_load((RULES / "recording.yml").read_text())["groups"]
        for rule in group["rules"]
    }

    assert alerts["BufferDeadlineAtRisk"] == f"host_plugin:render_deadline:ratio_rate1m > {AT_RISK:g}"
    assert f"[{WINDOW_SECONDS / 60:g}m]" in recorded["host_plugin:render_time_seconds:p99_rate1m"]


def test_the_slowest_render_around_a_time_lies_between_two_readings() -> None:
    times = RenderTimes()
    for seconds, counts in ((0, {0.008: 5}), (5, {0.008: 5, 0.001: 900}), (10, {0.008: 7, 0.001: 1900})):
        times.look([view(counts)], seconds)

    assert times.slowest(1, 4) == [SlowestRender("reverb", 0.001, 0)]
    assert times.slowest(6, 9) == [SlowestRender("reverb", 0.008, 2)]
    assert times.slowest(4, 6) == [SlowestRender("reverb", 0.008, 2)]
    assert times.slowest(8, 11) == []
    assert times.slowest(-2, -1) == []
