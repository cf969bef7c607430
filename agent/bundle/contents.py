"""The files of a bundle: their names and unscrubbed texts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.bundle import configuration
from agent.config.decode import ConfigError
from agent.config.loader import read_text
from agent.config.locations import state_directory
from agent.config.schema import Config
from agent.core import log, versions
from agent.terminal import client
from collectors import regular_file
from collectors.audio.causes.reading import Query, find

PAUSE = 10.0
"""Seconds between the two pages of metrics, which give rates."""

_PATIENCE = 20.0
_LOG_LINES = "1000"
_DROPOUTS = 200
_TAIL_BYTES = 512 << 10
_UNIT = "wr-agent"
_ANY_SIZE = 1 << 62
_MAC_LOG = Path("Library/Logs/wr-agent.log")

README = """\
This is what wr-agent doctor --bundle gathered on one machine. Nothing was sent: the file was written here, and it is
for you to read before you give it to anybody.

findings.txt         what doctor found, as it shows it
findings.json        the same for programs
config.txt           the configuration, one value a line; texts of keys that are not settings are blanked
metrics-1.txt        /metrics of the running agent
metrics-2.txt        the same ten seconds later
dropouts.jsonl       the newest dropouts with their causes, one a line
logs.txt             the newest lines that the agent logged: of its service, or of an agent in a terminal
versions.txt         versions of the agent, of Python, of libraries and of the system

Blanked, wherever they stood: passwords, tokens, keys and what looks like one; user, password and query of URLs; e-mail
addresses; home folders (~); user names (user1, user2, …) and full names; this machine's name (this-host), serial
numbers and hardware addresses; public IP addresses. Kept: names of devices, plugins, containers, log sources and
programs, paths outside of homes, private IP addresses. No rule knows every secret: please read it.
"""


def gather(
    findings: str, document: str, path: Path | None, reached: Config, *, live: bool
) -> Iterator[tuple[str, str]]:
    """Name and text of each file but the README, the quick ones first.

    Args:
        findings: What doctor shows.
        document: The same as JSON.
        path: The configuration file, if there is one.
        reached: The configuration that reaches the running agent, or that an agent would have.
        live: True if an agent runs.
    """
    yield "findings.txt", findings
    yield "findings.json", document
    yield "config.txt", _configuration(path)
    yield "versions.txt", versions.text()
    yield "dropouts.jsonl", _dropouts(state_directory(reached))
    yield "logs.txt", _logs(state_directory(reached))
    yield "metrics-1.txt", _metrics(reached, live=live)
    if live:
        time.sleep(PAUSE)
        yield "metrics-2.txt", _metrics(reached, live=live)


def _configuration(path: Path | None) -> str:
    if path is None:
        return "# no file: the built-in defaults\n"
    try:
        return "\n".join([f"# {path}", *configuration.lines(read_text(path)), ""])
    except ConfigError as error:
        return f"# {error}\n"


def _metrics(reached: Config, *, live: bool) -> str:
    if not live:
        return "# no agent runs\n"
    try:
        return client.get(reached, "/metrics").decode(errors="replace")
    except client.NotRunningError as error:
        return f"# {error}\n"


def _dropouts(state: Path) -> str:
    """Return the events of the newest dropouts, one a line."""
    found = find(state, Query(most=_DROPOUTS))
    return "".join(f"{bytes(line).decode(errors='replace')}\n" for line in found.events) or "# none is recorded\n"


def _logs(state: Path) -> str:
    """Return the newest lines of the service's log, and of the log of an agent without a service manager."""
    files = [state / log.FILE, *([Path.home() / _MAC_LOG] if sys.platform == "darwin" else [])]
    journals = [text for scope in ((), ("--user",)) if (text := _journal(*scope))]
    kept = [f"# {path}\n{text}" for path in files if (text := _tail(path))]
    return "\n".join([*journals, *kept]) or _no_logs(files)


def _no_logs(files: Sequence[Path]) -> str:
    looked = ", ".join(map(str, files))
    return f"# the journal has no line of a service wr-agent, and there is no log in {looked}\n"


def _journal(*scope: str) -> str:
    command = shutil.which("journalctl")
    if command is None:
        return ""
    unit = ("--user-unit" if scope else "--unit", _UNIT)
    asked = (command, *unit, "--lines", _LOG_LINES, "--no-pager", "--quiet", "--output", "short-iso")
    try:
        done = subprocess.run(  # noqa: S603 - systemd's own program, which reads
            asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"# {' '.join(asked)} gave no answer within {_PATIENCE:g} s\n"
    return done.stdout[-_TAIL_BYTES:]


def _tail(path: Path) -> str:
    """Return the newest lines of a log and of its rotated predecessor; nothing without one."""
    older = Path(f"{path}.1")
    text = _end(path, _TAIL_BYTES)
    return _end(older, _TAIL_BYTES - len(text)) + text


def _end(path: Path, most: int) -> str:
    """Return the whole lines in the last `most` bytes of a file."""
    if most <= 0:
        return ""
    try:
        with regular_file.opened(path, _ANY_SIZE) as file:
            skipped = file.seek(max(path.stat().st_size - most, 0))
            lines = file.read(most).splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"# {path}: {error.strerror}\n"
    return b"".join(lines[bool(skipped) :]).decode(errors="replace")
