"""launchd: an agent in the session of the logged-in user, or a daemon of the machine. Not run on a Mac yet.

Keys and their rules are those of launchd.plist(5): the daemon stays in the foreground, ends on SIGTERM, and is not
started more often than each `ThrottleInterval`.
"""

from __future__ import annotations

import os
import plistlib
from pathlib import Path
from typing import Any

from agent.service.definition import Command, Service, ServiceError, template

LABEL = "com.white-room.wr-agent"


def agent() -> Service:
    """Return a LaunchAgent, which runs in the user's session and reaches the user's audio."""
    return _service(
        kind="agent",
        file=Path.home() / "Library/LaunchAgents" / f"{LABEL}.plist",
        domain=f"gui/{os.getuid()}",
        home=Path.home(),
        more={},
    )


def daemon(user: str) -> Service:
    """Return a LaunchDaemon, which starts at boot, for a server without a logged-in user.

    Raises:
        ServiceError: The user does not exist.
    """
    try:
        home = Path(f"~{user}").expanduser()
    except RuntimeError as error:
        raise ServiceError(f"there is no user {user!r} on this machine") from error
    return _service(
        kind="daemon",
        file=Path("/Library/LaunchDaemons") / f"{LABEL}.plist",
        domain="system",
        home=home,
        more={"UserName": user},
    )


def _service(kind: str, file: Path, domain: str, home: Path, more: dict[str, str]) -> Service:
    log, crashes = home / "Library/Logs/wr-agent.log", home / "Library/Logs/wr-agent.stderr.log"
    state = home / "Library/Application Support/wr-agent"

    def text(command: Command) -> str:
        """Return the property list. The agent rotates its log, which launchd does not."""
        arguments = [*command, "--log-file", str(log)]
        return _filled(kind, {"ProgramArguments": arguments, "StandardErrorPath": str(crashes), **more})

    return Service(
        file=file,
        text=text,
        start=(("launchctl", "enable", f"{domain}/{LABEL}"), ("launchctl", "bootstrap", domain, str(file))),
        stop=(("launchctl", "bootout", f"{domain}/{LABEL}"),),
        logs=f"tail -F {log}",
        kept=f"its state and its logs; to remove them: rm -rf '{state}' '{log}' '{log}.1' '{crashes}'",
    )


def _filled(kind: str, values: dict[str, Any]) -> str:
    definition: dict[str, Any] = plistlib.loads(template("launchd", f"{LABEL}.{kind}.plist").read_bytes())
    return plistlib.dumps(definition | values, sort_keys=False).decode()
