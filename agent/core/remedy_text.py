"""The remedies of findings as a person can copy them: this agent's command, its configuration file, its documents.

Collectors write `wr-agent`, `docs/…` and a place for the configuration file. Only the agent knows what these are here.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from agent.config import locations
from agent.shared_files import shared
from collectors import system_packages
from collectors.findings import Finding
from collectors.remedies import CONFIGURATION

_CONFIGURED = "check-config|doctor|dropouts|logs try|plugins|run|status"
"""The subcommands with the option `--config`."""

_COMMAND = re.compile(rf"(?<![\w/.-])wr-agent (?P<command>{_CONFIGURED}|config init|service|version)\b(?! --config| /)")
_SUDO = re.compile(r"(?<![\w/-])sudo (?=\S)")
_DOCUMENT = re.compile(r"(?<![\w/.-])docs/[a-z-]+\.md\b")


class RemedyText:
    """The completion of remedies for one agent.

    Args:
        configuration: The configuration file that the agent reads; `None` for the built-in defaults.
    """

    def __init__(self, configuration: Path | None) -> None:
        self._configuration = configuration.absolute() if configuration else None

    def completed(self, finding: Finding) -> Finding:
        """Return the finding with remedies that work on this machine as they stand."""
        return replace(finding, remedy=tuple(map(self.line, finding.remedy)))

    def line(self, text: str) -> str:
        """Return one line of a remedy with real programs and paths."""
        text = _COMMAND.sub(self._command, text.replace(CONFIGURATION, self._file()))
        text = _DOCUMENT.sub(lambda found: str(shared(found[0])), text)
        return text if system_packages.find("sudo") else _without_sudo(text)

    def _file(self) -> str:
        if self._configuration is None:
            return f"{locations.default_path()} (a new file, then restart the agent)"
        return str(self._configuration)

    def _command(self, found: re.Match[str]) -> str:
        named = self._configuration is not None and self._configuration != locations.default_path()
        if not named or found["command"] not in _CONFIGURED.split("|"):
            return f"{_program()} {found['command']}"
        option = "" if found["command"] == "check-config" else " --config"
        return f"{_program()} {found['command']}{option} {shlex.quote(str(self._configuration))}"


def not_running(error: Exception, configuration: Path | None) -> str:
    """Return the line for a person whose command found no agent, with the command that starts one.

    An agent that refuses the person runs already.
    """
    if isinstance(error.__cause__, PermissionError):
        return str(error)
    return f"{error}; start it with {RemedyText(configuration).line('wr-agent run')}"


def _without_sudo(text: str) -> str:
    """Return a command for a machine without `sudo`, with a note unless the agent runs as root, as its reader may."""
    if os.geteuid() == 0 or not _SUDO.search(text):
        return _SUDO.sub("", text)
    command, mark, note = _SUDO.sub("", text).partition("  # ")
    return f"{command}  # as root{';' * bool(mark)}{' ' * bool(mark)}{note}"


def _program() -> str:
    """Return the agent's command: its name if every shell finds this one, also under sudo; else its path."""
    own = Path(sys.executable).with_name("wr-agent")
    if not own.exists():
        return "wr-agent" if system_packages.find("wr-agent") else f"{shlex.quote(sys.executable)} -m agent"
    everywhere = [Path(folder, "wr-agent") for folder in ("/usr/local/bin", "/usr/bin")]
    return "wr-agent" if any(_is_same(path, own) for path in everywhere) else shlex.quote(str(own))


def _is_same(path: Path, own: Path) -> bool:
    try:
        return path.samefile(own)
    except OSError:
        return False
