"""The workflow of GitHub Actions: its form, and the systems that it tests on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github/workflows/ci.yml"


def test_it_matches_the_published_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_it_runs_what_a_developer_runs() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert commands == ["./test.sh"]
    assert os.access(ROOT / commands[0], os.X_OK)


def test_it_covers_each_supported_system() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()

    assert [entry["name"] for entry in job["strategy"]["matrix"]["include"]] == ["Debian 12", "Ubuntu 24.04", "macOS"]
