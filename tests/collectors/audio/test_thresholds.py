"""The findings and the alerts have the same thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from collectors.audio import thresholds

RULES = Path(__file__).parents[3] / "monitoring" / "prometheus" / "rules" / "audio.yml"


@pytest.mark.parametrize(
    ("alert", "condition"),
    [
        ("AudioDropouts", f"increase1m >= {thresholds.DROPOUTS_A_MINUTE} "),
        ("DspLoadHigh", f"[1m]) > {thresholds.DSP_LOAD:g}"),
        ("AudioClipping", f"[1m])) > {thresholds.CLIPPED_A_SECOND:g}"),
        ("AudioChannelSilent", f"audio_channel_silent_seconds > {thresholds.SILENT_SECONDS:g}\n"),
        ("AudioChannelSilent", f"[{thresholds.RECENT_NS // 60_000_000_000}m]"),
    ],
)
def test_an_alert_has_the_threshold_of_its_finding(alert: str, condition: str) -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    expressions = {rule["alert"]: rule["expr"] for rule in group["rules"]}

    assert condition in expressions[alert] + "\n"
