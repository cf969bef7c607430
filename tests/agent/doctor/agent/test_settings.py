from pathlib import Path

import pytest

from agent.config.loader import parse
from agent.config.schema import Config
from agent.doctor.agent import settings
from collectors.address import Address
from tests.agent.doctor.support import codes

LOGS = """
loki.url = "{url}"
[[logs.sources]]
name = "engine"
paths = ["{paths}"]
labels = {{ service = "engine", room = "a" }}
stages = [
  {{ json = {{ fields = ["level", "trace"] }} }},
  {{ labels = {{ fields = ["level"] }} }},
  {{ structured_metadata = {{ fields = ["trace"] }} }},
]
"""


def test_a_broken_configuration_still_says_where_the_agent_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('state_dir = "/somewhere"\nweb = { listen = ":1234", wrong = 1 }\n')

    read = settings.read(str(path))

    assert codes(read.findings) == ["config-invalid"]
    assert (read.config.state_dir, read.config.web.listen) == ("/somewhere", Address("", 1234))


@pytest.mark.parametrize("text", ["state_dir = 3\n[web]\nlisten = 'nonsense'\n", "web = 3", "= =", "\xff"])
def test_nothing_in_a_broken_configuration_stops_doctor(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))

    read = settings.read(str(path))

    assert (codes(read.findings), read.config) == (["config-invalid"], Config())


def test_what_doctor_measures_by_itself_never_ships_logs() -> None:
    config = parse(LOGS.format(url="http://127.0.0.1:1", paths="/var/log/*.log"), "test")

    assert settings.without_logs(config).logs.sources == []
