"""The safety of the state directory: another user must not be able to replace its files or link them elsewhere."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.config.decode import ConfigError, Problem
from collectors.offloop import wait_for

DEADLINE = 10.0
"""Seconds for each access to the state directory at the start."""

T = TypeVar("T")

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check(directory: Path) -> None:
    """Refuse a state directory that another user owns or can write. A missing or unreachable one passes.

    Raises:
        ConfigError: The directory is unsafe, or its disk hangs; with the remedy.
    """
    problem = answer(lambda: _problem(directory), directory)
    if problem:
        raise ConfigError("configuration", [Problem("state_dir", problem)])


def answer(access: Callable[[], T], directory: Path) -> T:
    """Return the result of an access to the state directory.

    Raises:
        ConfigError: The disk does not answer within `DEADLINE`.
        Exception: An error of the access.
    """
    try:
        return wait_for(DEADLINE, access, "access state directory")
    except TimeoutError:
        problem = f"{directory} does not answer within {DEADLINE:g} s; check its disk, or set another state_dir"
        raise ConfigError("configuration", [Problem("state_dir", problem)]) from None


def _problem(directory: Path) -> str:
    try:
        real = directory.resolve()
        seen = real.stat()
    except (OSError, RuntimeError):  # missing, unreachable, or a loop of links
        return ""
    shown = shlex.quote(str(real))
    if not stat.S_ISDIR(seen.st_mode):
        return f"expected a directory, found another kind of file at {shown}; set another state_dir"
    user = os.geteuid()
    if seen.st_uid not in (0, user):
        return (
            f"expected {shown} to belong to the agent's user {user} or to root, found user {seen.st_uid}; "
            f"set another state_dir, or run: sudo chown {user} {shown}"
        )
    if seen.st_mode & _OTHERS_WRITE:
        return (
            f"expected only the owner to write {shown}, found mode {stat.filemode(seen.st_mode)}; "
            f"run: chmod go-w {shown}"
        )
    for parent in real.parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return (
                f"expected no other user to be able to replace {shown}, found mode {stat.filemode(mode)} at "
                f"{shlex.quote(str(parent))}; run: chmod o-w {shlex.quote(str(parent))}"
            )
    return ""
