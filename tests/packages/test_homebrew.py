"""The Homebrew formula, as far as it can be checked without a Mac: its archive, and what it takes from there."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from agent import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the archive and its formula."""
    folder = tmp_path_factory.mktemp("formula")
    subprocess.run([ROOT / "packages/build-formula.sh", "--output", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def formula(built: Path) -> str:
    return (built / "wr-agent.rb").read_text()


def test_it_names_the_archive_its_checksum_and_the_version(built: Path, formula: str) -> None:
    archive = built / f"wr-agent-{__version__}.tar.gz"

    assert f'url "file://{archive}"' in formula
    assert f'sha256 "{hashlib.sha256(archive.read_bytes()).hexdigest()}"' in formula
    assert f'version "{__version__}"' in formula
    assert "@" not in formula.replace("python@3.13", "")


def test_the_archive_has_what_the_formula_uses(built: Path, formula: str) -> None:
    with tarfile.open(built / f"wr-agent-{__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    used = {*re.findall(r'"-r", "([\w.-]+)"', formula), "config.example.toml", "CHANGELOG.md", "packages/manual.py"}

    assert len(used) == 5
    assert used <= names
    assert "docs/service.md" in names


def test_a_release_has_its_own_address(tmp_path: Path) -> None:
    url = "https://downloads.example/wr-agent.tar.gz"
    subprocess.run([ROOT / "packages/build-formula.sh", "--url", url, "--output", tmp_path], check=True)

    assert f'url "{url}"' in (tmp_path / "wr-agent.rb").read_text()


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "packages/build-formula.sh", "--to", tmp_path], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (
        1,
        "build-formula.sh: expected --url URL or --output FOLDER, got --to\n",
    )


def test_blocks_are_closed(formula: str) -> None:
    """`ruby -c` is not on every machine; this sees the error that is made most."""
    opened = len(re.findall(r"^\s*(?:class|def|service do|test do)\b", formula, re.MULTILINE))

    assert len(re.findall(r"^\s*end$", formula, re.MULTILINE)) == opened
