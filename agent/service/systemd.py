"""systemd: a system service with its own user, or a service of the logged-in user."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TypedDict

from agent.service.definition import Command, Service, ServiceError, template
from agent.service.executable import closed_step
from agent.shared_files import shared

UNIT = "wr-agent.service"
USER = "wr-agent"

_DOCUMENT = "docs/service.md"
_NO_REALTIME = "RestrictRealtime=yes"
_REALTIME = "LimitRTPRIO=95\nLimitMEMLOCK=infinity"


def system(user: str, *, realtime: bool) -> Service:
    """Return a hardened system service, for servers.

    Args:
        user: The service's user, such as that of the JACK server; empty for its own user.
        realtime: Allow the probe real-time priority if the JACK server has it.
    """
    users = ("systemd-sysusers", str(template("systemd", "wr-agent.sysusers.conf")))
    return Service(
        file=Path("/etc/systemd/system") / UNIT,
        text=lambda command: _system_text(command, user, realtime=realtime),
        prepare=() if user else (users,),
        **commands("systemctl"),
        logs="journalctl -u wr-agent -f",
        kept="its state and its user; to remove them: rm -r /var/lib/wr-agent && userdel wr-agent",
    )


def user() -> Service:
    """Return a service of the current user, for a studio desktop."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Service(
        file=Path(config) / "systemd/user" / UNIT,
        text=lambda command: _user_unit(command, shared(_DOCUMENT)),
        **commands("systemctl", "--user"),
        logs="journalctl --user -u wr-agent -f",
        kept="its state; to remove it: rm -r ~/.local/state/wr-agent",
    )


def packaged(command: Command, document: Path) -> dict[str, str]:
    """Return the units of a package, by the folder of `/usr/lib/systemd`: `system` and `user`.

    Args:
        command: The daemon's command line.
        document: The installed page about the service.
    """
    return {
        "system": _system_unit(command, "", document, realtime=False),
        "user": _user_unit(command, document),
    }


class Commands(TypedDict):
    """The commands of a unit, as fields of `Service`."""

    start: tuple[Command, ...]
    stop: tuple[Command, ...]
    forget: tuple[Command, ...]


def commands(*systemctl: str, unit: str = UNIT) -> Commands:
    """Return the commands that start, stop and forget a unit."""
    reread = (*systemctl, "daemon-reload")
    return {
        "start": (reread, (*systemctl, "enable", "--quiet", "--now", unit)),
        "stop": ((*systemctl, "disable", "--quiet", "--now", unit),),
        "forget": (reread,),
    }


def _system_text(command: Command, user: str, *, realtime: bool) -> str:
    if not user:
        _refuse_closed(Path(command[0]), Path(sys.executable))
    return _system_unit(command, user, shared(_DOCUMENT), realtime=realtime)


def _system_unit(command: Command, user: str, document: Path, *, realtime: bool) -> str:
    return filled(
        template("systemd", UNIT),
        COMMAND=quoted(command),
        DOCUMENTATION=address(document),
        # The IPC objects of another user may be a JACK server's.
        USER=user or f"{USER}\nRemoveIPC=yes",
        REALTIME=_REALTIME if realtime else _NO_REALTIME,
    )


def _user_unit(command: Command, document: Path) -> str:
    return filled(
        template("systemd", "wr-agent.user.service"), COMMAND=quoted(command), DOCUMENTATION=address(document)
    )


def address(document: Path) -> str:
    """Return the path of a document as a unit names it."""
    return document.as_uri().replace("%", "%%")


def filled(path: Path, **values: str) -> str:
    """Return the text of a template with its values."""
    text = path.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def quoted(command: Command) -> str:
    """Quote a command line for systemd.service(5), which expands `%` and `$` even in quotes."""
    return " ".join(_quoted_word(word) for word in command)


def _quoted_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _refuse_closed(*programs: Path) -> None:
    for program in programs:
        step = closed_step(program)
        if step:
            raise ServiceError(
                f"the service's own user could not run {program}: {step} is closed to others. Install the agent where"
                " everyone can read it, in the checkout: python3 -m venv /opt/wr-agent &&"
                " /opt/wr-agent/bin/pip install '.[audio]'; or run the service as a user who can: --as USER"
            )
