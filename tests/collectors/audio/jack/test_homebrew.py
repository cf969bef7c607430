"""The search for Homebrew's libraries, with the search that ctypes has for macOS."""

from __future__ import annotations

import os
import sys
from ctypes.macholib.dyld import dyld_find
from pathlib import Path

import pytest

from collectors.audio.jack import homebrew


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of a library of Homebrew on a Mac."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(homebrew, "LIBRARIES", tmp_path)
    monkeypatch.setenv("DYLD_FALLBACK_LIBRARY_PATH", "")
    (tmp_path / "libjack.dylib").touch()
    return str(tmp_path / "libjack.dylib")


def test_ctypes_finds_them(library: str) -> None:
    with pytest.raises(ValueError, match="could not be found"):
        dyld_find("libjack.dylib")
    homebrew.make_libraries_findable()

    assert dyld_find("libjack.dylib") == library


def test_the_usual_folders_stay(library: str) -> None:
    homebrew.make_libraries_findable()
    homebrew.make_libraries_findable()

    folders = os.environ["DYLD_FALLBACK_LIBRARY_PATH"].split(":")
    assert "/usr/local/lib" in folders
    assert folders.count(str(Path(library).parent)) == 1


@pytest.mark.usefixtures("library")
def test_other_systems_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    homebrew.make_libraries_findable()

    assert os.environ["DYLD_FALLBACK_LIBRARY_PATH"] == ""
