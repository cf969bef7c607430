"""docs/audio.md and docs/audio-platforms.md, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.audio import device, dropouts, families, findings, macos
from collectors.audio.alsa import streams, usb
from collectors.audio.causes import findings as causes
from collectors.audio.pipewire import nodes
from collectors.audio.probe import backoff, runner

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "audio.md").read_text()
PLATFORMS = (ROOT / "docs" / "audio-platforms.md").read_text()
NAMED = set(re.findall(r"`([a-z][a-z_-]+)`", PAGE + PLATFORMS))


def written(pattern: str, *modules: object) -> set[str]:
    texts = (Path(str(getattr(module, "__file__", ""))).read_text() for module in modules)
    return {found for text in texts for found in re.findall(pattern, text)}


def test_every_family_is_named_and_no_other() -> None:
    exported = written(r'"((?:wr_agent_)?audio_[a-z_]+)"', families, runner, streams, nodes, usb)

    assert len(exported) > 30
    assert exported == {name for name in NAMED if re.match(r"(wr_agent_)?audio_\w+[a-z]$", name)}


def test_every_finding_is_named_and_no_other() -> None:
    codes = written(r'code="(audio-[a-z-]+)"', findings, causes, streams, nodes, macos, usb)

    assert len(codes) > 20
    assert codes == {name for name in NAMED if name.startswith("audio-")}


def test_every_kind_of_observation_is_named() -> None:
    assert {kind for kinds in device.KINDS.values() for kind in kinds} <= NAMED


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"no more than {dropouts.MERGE_NS // 10**6} ms apart" in PAGE
    assert dropouts.HOLD_NS == 10**9
    assert "about one second after" in PAGE
    assert f"within {families.ALIVE_NS / 1e9:g} s" in PAGE
    assert (backoff.LIMIT, backoff.WINDOW_NS) == (10, 10 * 10**9)
    assert (backoff.SHORTEST_REST_NS, backoff.LONGEST_REST_NS) == (30 * 10**9, 600 * 10**9)
    assert (backoff.SURVIVED_NS, backoff.CALM_PRESSURE, backoff.LATE_NS) == (120 * 10**9, 0.1, 10**8)
    assert "more than ten looks in ten seconds" in PAGE.replace("\n", " ")
    assert "30 s after it backed off" in PAGE.replace("\n", " ")
    assert f"begin at {device.JITTER_BOUNDS[0] * 1e6:g} µs" in PAGE
