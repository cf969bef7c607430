"""What every kind of service is made of: its file, its text, and the commands that begin and end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Command = tuple[str, ...]

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parent.parent


class ServiceError(Exception):
    """A service that cannot be had like this. `str()` says what to do about it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of one service manager.

    Attributes:
        file: Where the manager looks for the definition.
        text: The definition for the command line that runs the daemon, whose program is an absolute path.
        prepare: What to run before the definition is written.
        start: What to run after that: starts the service, now and whenever the machine or the session starts.
        stop: What to run before the definition is removed.
        forget: What to run after that.
        logs: The command that shows what the daemon logs.
        kept: What stays when the service is removed, and how to remove it by hand.
    """

    file: Path
    text: Callable[[Command], str]
    start: tuple[Command, ...]
    stop: tuple[Command, ...]
    logs: str
    kept: str
    prepare: tuple[Command, ...] = ()
    forget: tuple[Command, ...] = ()


def template(folder: str, name: str) -> Path:
    """A file of the project's `systemd/` or `launchd/`: beside this module in a wheel, else in the checkout."""
    packaged = _HERE / folder / name
    return packaged if packaged.exists() else _CHECKOUT / folder / name
