"""The definition of a service: its file, its text, and the commands to start and stop it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Command = tuple[str, ...]

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parent.parent


class ServiceError(Exception):
    """A service that cannot be installed. `str()` includes the fix."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of one service manager.

    Attributes:
        file: The path of the definition.
        text: Returns the definition for the daemon's command line, with an absolute program path.
        prepare: Commands to run before the definition is written.
        start: Commands to run after that. They start the service now and at each boot or login.
        stop: Commands to run before the definition is removed.
        forget: Commands to run after that.
        name: The program that it starts.
        folder: The folder of the program's own copy; None if it runs from where it is installed.
        files: The files of that copy, by their path in the folder.
        logs: The command that shows the daemon's log.
        kept: Data that stays after removal, with the command to remove it.
    """

    file: Path
    text: Callable[[Command], str]
    start: tuple[Command, ...]
    stop: tuple[Command, ...]
    logs: str
    kept: str
    prepare: tuple[Command, ...] = ()
    forget: tuple[Command, ...] = ()
    name: str = "wr-agent"
    folder: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)


def template(folder: str, name: str) -> Path:
    """Return a file of `systemd/` or `launchd/`: next to this module in a wheel, else in the checkout."""
    packaged = _HERE / folder / name
    return packaged if packaged.exists() else _CHECKOUT / folder / name
