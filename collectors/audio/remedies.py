"""The commands of remedies, only those that this machine can run.

Owns the choice by operating system and by installed programs. `findings` and the platform's sources own the texts.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

SOUND_CARDS = Path("/dev/snd")
_ADMINISTRATORS_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin")
"""Directories that a service may lack in its PATH, although a person's shell has them."""


def is_macos() -> bool:
    """Return whether this is macOS."""
    return sys.platform == "darwin"


def is_installed(program: str) -> bool:
    """Return whether a person's shell finds the program."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ADMINISTRATORS_PATH])
    return shutil.which(program, path=path) is not None


def command(line: str, note: str = "") -> tuple[str, ...]:
    """Return the command with its note, or nothing if its program is not installed."""
    program = line.removeprefix("sudo ").split(maxsplit=1)[0]
    return (_noted(line, note),) if is_installed(program) else ()


def linux(*lines: str) -> tuple[str, ...]:
    """Return lines that apply to Linux only."""
    return () if is_macos() else lines


def agent(arguments: str, note: str = "") -> tuple[str, ...]:
    """Return a command of the agent, with its absolute path unless the PATH has it."""
    script = Path(sys.executable).with_name("wr-agent")
    if is_installed("wr-agent") or not script.exists():
        return (_noted(f"wr-agent {arguments}", note),)
    return (_noted(f"{shlex.quote(str(script))} {arguments}", note),)


def restart_agent() -> tuple[str, ...]:
    """Return the commands that restart the agent's service."""
    if is_macos():
        return agent("service uninstall && wr-agent service install")
    return command("sudo systemctl restart wr-agent", "a user's own service: systemctl --user restart wr-agent")


def packages(debian: str = "", homebrew: str = "") -> tuple[str, ...]:
    """Return the command that installs packages of this system: of Debian and Ubuntu, or of Homebrew.

    A system with another package manager gets the names of Debian's packages.
    """
    if is_macos():
        return (f"brew install {homebrew}",) if homebrew else ()
    if not debian:
        return ()
    if is_installed("apt-get"):
        return (f"sudo apt-get install {debian}",)
    return (f"install this distribution's packages for {', '.join(debian.split())} (their names on Debian)",)


def python_packages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the command that installs packages from PyPI in the agent's own environment; nothing without names."""
    names = tuple(names)
    if not names:
        return ()
    if find_spec("pip") is None:
        return (f"install {', '.join(names)} in the agent's Python environment {sys.prefix}, then restart the agent",)
    sudo = "" if os.access(sys.prefix, os.W_OK) else "sudo "
    line = f"{sudo}{shlex.quote(sys.executable)} -m pip install {' '.join(names)}"
    return (_noted(line, "then restart the agent"),)


def start_jack(name: str) -> tuple[str, ...]:
    """Return the commands that start a JACK server of that name on this machine's sound card."""
    jackd = "jackd" if name == "default" else f"jackd -n {shlex.quote(name)}"
    missing = () if is_installed("jackd") else packages("jackd2", "jack")
    if is_macos():
        return (*missing, f"{jackd} -d coreaudio")
    if SOUND_CARDS.exists():
        return (*missing, _noted(f"{jackd} -d alsa", "as the user who plays; qjackctl is a graphical front end"))
    return (
        f"connect a sound card: the kernel has none, {SOUND_CARDS} does not exist",
        *missing,
        _noted(f"{jackd} -d dummy", "a server without a sound card, such as for a render machine"),
    )


def _noted(line: str, note: str) -> str:
    return f"{line}  # {note}" if note else line
