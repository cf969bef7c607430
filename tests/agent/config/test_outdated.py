"""Outdated spellings, which are read with a warning."""

from pathlib import Path

import pytest

from agent.cli import main
from agent.config.loader import parse


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('audio.observers = "off"', "audio.enabled = false"),
        ('containers.measure = "off"', "containers.enabled = false"),
        ('host.leave_out = ["arp"]', 'host.exclude = ["arp"]'),
        ('loki.host = "studio-7"', 'machine = "studio-7"'),
    ],
)
def test_an_outdated_spelling_is_read_with_a_warning(old: str, new: str) -> None:
    warnings: list[str] = []

    assert parse(old, "file", warnings.append) == parse(new, "file", warnings.append)
    (warning,) = warnings
    assert warning.startswith("file: ")
    assert f"write {new.split(' = ' if 'machine' in new else ' = [', maxsplit=1)[0]}" in warning


def test_check_config_shows_the_warning_and_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'state_dir = "{tmp_path}/state"\naudio.observers = "off"\n')

    assert main(["check-config", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{path}: good\n"
    assert shown.err.startswith(f"warning: {path}: audio.observers")
