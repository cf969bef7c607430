"""The page about doctor, held against what doctor does."""

import re
from pathlib import Path

from agent.bundle.contents import README, gather
from agent.config.schema import Config
from agent.doctor.agent.checks import OwnChecks
from agent.doctor.agent.settings import Settings
from agent.doctor.machine.checks import machine_checks
from collectors.logs.loki.config import LokiConfig, LokiUrl

PAGE = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()


def test_the_page_names_every_check_of_doctors_own_and_no_other() -> None:
    config = Config(loki=LokiConfig(url=LokiUrl("http://127.0.0.1:1")))
    checks = [*machine_checks(Path("/")), *OwnChecks(Settings(None, config), None).checks()]

    named = set(re.findall(r"`((?:machine|agent)\.[\w-]+)`", PAGE))

    assert named == {check.name for check in checks} | {"agent.running"}


def test_the_readme_names_every_file() -> None:
    names = {name for name, _ in gather("", "{}", None, Config(), live=False)} | {"metrics-2.txt"}

    assert names == set(re.findall(r"^([\w-]+\.\w+) ", README, re.MULTILINE))
