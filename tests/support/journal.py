"""Real journal files, written without a running journald."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

BEGIN_US = 1_700_000_000_000_000
"""The time of entry 0, Unix microseconds."""

_REMOTE = "/lib/systemd/systemd-journal-remote"


def entry(number: int, fields: bytes) -> bytes:
    """Return one entry in systemd's journal export format."""
    stamps = f"__REALTIME_TIMESTAMP={BEGIN_US + number}\n__MONOTONIC_TIMESTAMP={number + 1}\n_BOOT_ID={1:032x}\n"
    return stamps.encode() + fields + b"\n\n"


def write_journal(journal: Path, entries: bytes) -> None:
    """Write entries of the export format to a journal file."""
    subprocess.run([_REMOTE, "-o", str(journal), "-"], input=entries, check=True, capture_output=True)


def write_entries(journal: Path, first: int, last: int) -> None:
    """Write numbered entries to a journal file."""
    write_journal(journal, b"".join(entry(number, b"MESSAGE=entry %d" % number) for number in range(first, last)))


def lead_journalctl(programs: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script in the place of `journalctl`, in an empty folder that `PATH` names first."""
    programs.mkdir(exist_ok=True)
    (programs / "journalctl").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def lead_journalctl_to(folder: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `journalctl` read the journal files of a folder in place of the machine's."""
    lead_journalctl(programs, f'exec {shutil.which("journalctl")} --directory={folder} "$@"', monkeypatch)
