"""The versions that `wr-agent version` and the support bundle name."""

import re
import tomllib
from pathlib import Path

import pytest

from agent import __version__
from agent.bundle import contents
from agent.config.schema import Config
from agent.core import versions

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def test_every_library_of_the_project_is_named() -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["audio"]]
    names = {re.split(r"[<>=~ ;]", text)[0].lower() for text in wanted}

    rows = dict(versions.rows())

    assert rows["wr-agent"] == __version__
    assert names <= {name.lower() for name in rows}


def test_a_missing_library_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "requirements", lambda: ["no-such-distribution>=1", 'other-one>=2; extra == "audio"'])

    assert dict(versions.rows())["no-such-distribution"] == "not installed"
    assert dict(versions.rows())["other-one"] == "not installed"


def test_the_bundle_has_the_same_text() -> None:
    files = contents.gather("", "{}", None, Config(), live=False)

    assert dict(files)["versions.txt"] == versions.text()
