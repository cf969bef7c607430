"""A state directory whose files are FIFOs, devices or deeply nested: the agent starts and serves."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.agent import agent
from tests.support.waiting import eventually

FILES = (
    *("dropouts.jsonl", "dropouts.jsonl.1", "dropouts-pending.jsonl", "audio-unwatched.jsonl"),
    *("log-positions.json", "distinct-app-users.json", "plugin_services.json"),
    *("remote-write/0.segment", "remote-write/1.segment", "remote-write/progress"),
)
"""The files that the agent keeps."""

CONFIG = """
audio.observers = "passive"
plugins.directories = ["{folder}"]
loki.url = "http://127.0.0.1:9"
remote_write.url = "http://127.0.0.1:9/api/v1/write"
[[logs.sources]]
name = "app"
paths = ["{folder}/app.log"]
stages = [
  {{ regex = {{ pattern = "(?P<user>.*)" }} }},
  {{ metrics = {{ distinct = [{{ name = "users", help = "Users.", value = "user" }}] }} }},
]
"""


def _nest(path: Path) -> None:
    path.write_bytes(b'{"x":' + b"[" * 200_000 + b"\n")


def _link(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], None]] = {
    "FIFO": os.mkfifo,
    "link to a device": _link,
    "deeply nested": _nest,
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_agent_serves_whatever_its_state_has_become(tmp_path: Path, kind: str) -> None:
    (tmp_path / "app.log").write_text("ada\n")
    (tmp_path / "state").mkdir(mode=0o700)
    for name in FILES:
        path = tmp_path / "state" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        KINDS[kind](path)

    with agent(tmp_path, CONFIG.format(folder=tmp_path)) as it:
        eventually(lambda: _is_complete(it.get("/metrics")[2]), "the log has been read, and all collectors run")
        assert it.stop() == 0

    assert "Traceback" not in it.log()


def _is_complete(page: str) -> bool:
    failed = re.search(r"^wr_agent_collector_up.* 0", page, re.MULTILINE)
    return 'users{source="app",window="day"} 1' in page and not failed
