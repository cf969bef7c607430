"""The wheel: its content, and its work without a checkout. It is built and installed without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from agent import __version__

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """Return the output of a command that finds no checkout."""
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "COVERAGE_PROCESS_CONFIG"}}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    run(*build, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the programs of an environment with the wheel and the tests' own libraries."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    run(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-deps", wheel, cwd=folder)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_wheel_has_the_version_of_the_code(wheel: Path) -> None:
    assert wheel.name.startswith(f"wr_agent-{__version__}-py3")


def test_wheel_has_the_packages_and_nothing_else_at_the_top(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {"agent", "collectors", f"wr_agent-{__version__}.dist-info"} == tops


def test_wheel_asks_for_what_the_project_asks_for(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"wr_agent-{__version__}.dist-info/METADATA").decode()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    asked = {line.removeprefix("Requires-Dist: ").lower() for line in metadata.splitlines()}

    assert [it for it in project["dependencies"] if it.lower() not in asked] == []


def test_command_works_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "wr-agent", "version", cwd=tmp_path)

    assert said.split()[:2] == ["wr-agent", __version__]


def test_service_definitions_are_installed(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "wr-agent", "service", "show", "--system", "--as", "nobody", cwd=tmp_path)

    assert f'ExecStart="{installed}/wr-agent" "run"' in said


def test_wheel_has_the_documents_that_texts_point_to(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "agent/share/config.example.toml" in names
    assert {f"agent/share/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= names


def test_texts_point_to_documents_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    written = run(installed / "wr-agent", "config", "init", "--source", "syslog", cwd=tmp_path)

    (named,) = [line.rpartition(": ")[2] for line in written.splitlines() if "Every key with its default" in line]
    assert Path(named).is_relative_to(installed.parent)
    assert Path(named).is_file()


def test_the_changelog_has_the_version_of_the_code() -> None:
    versions = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )

    assert versions[0] == __version__
