"""The scripts of the packages."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    *("packages/build-deb.sh", "packages/build-formula.sh"),
    *(f"packages/debian/{name}" for name in ("postinst", "postrm", "prerm")),
]


def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", SCRIPTS)
def test_can_be_executed(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
