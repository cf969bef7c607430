"""The commands of remedies, only those that this machine can run.

Owns the choice by operating system and by installed programs. Modules with findings own the texts, and the agent
completes its own commands, the configuration's path and `sudo` in them.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from collectors import system_packages

CONFIGURATION = "{configuration}"
"""The place in a remedy for the path of the agent's configuration file, which only the agent knows."""

_UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_UNIT = "wr-agent.service"


def is_macos() -> bool:
    """Return whether this is macOS."""
    return system_packages.is_macos()


def is_installed(program: str) -> bool:
    """Return whether a person's shell finds the program."""
    return system_packages.find(program) is not None


def command(line: str, note: str = "") -> tuple[str, ...]:
    """Return the command with its note, or nothing if its program is not installed."""
    program = line.removeprefix("sudo ").split(maxsplit=1)[0]
    return (noted(line, note),) if is_installed(program) else ()


def tool(line: str, purpose: str, note: str = "") -> tuple[str, ...]:
    """Return the command with its note, after the command that installs its program if that is missing.

    Args:
        line: The command.
        purpose: A purpose of `system_packages`.
        note: A comment on the command.
    """
    present = command(line, note)
    return present or (*install(purpose), noted(line, note))


def linux(*lines: str) -> tuple[str, ...]:
    """Return lines that apply to Linux only."""
    return () if is_macos() else lines


def install(*purposes: str) -> tuple[str, ...]:
    """Return the command of this system's package manager that installs packages; nothing if it has none."""
    return system_packages.install(*purposes)


def remove(purpose: str) -> tuple[str, ...]:
    """Return the command of this system's package manager that removes packages."""
    return system_packages.remove(purpose)


def in_section(section: str, change: str) -> str:
    """Return the step that makes a change in a section of the configuration file."""
    return f"{change} in the section {section} of {CONFIGURATION}"


def restart_agent() -> tuple[str, ...]:
    """Return the commands that restart the agent: those of its service, if it is one."""
    if is_macos():
        return ("wr-agent service uninstall && wr-agent service install",)
    if any(Path(folder, _UNIT).exists() for folder in _UNITS):
        return ("sudo systemctl restart wr-agent",)
    if (_user_units() / _UNIT).exists():
        return ("systemctl --user restart wr-agent",)
    return ("end the agent in its terminal with Ctrl-C, then start it again: wr-agent run",)


def start_agent() -> tuple[str, ...]:
    """Return the commands that start the agent: as the service that is installed, else here or as a new service."""
    if not is_macos() and any(Path(folder, _UNIT).exists() for folder in _UNITS):
        return ("sudo systemctl start wr-agent",)
    if not is_macos() and (_user_units() / _UNIT).exists():
        return ("systemctl --user start wr-agent",)
    return ("wr-agent run", "wr-agent service install  # starts it at boot, or at login")


def reload_agent() -> tuple[str, ...]:
    """Return the commands that let the agent read its configuration again."""
    if is_macos():
        return ("launchctl kill HUP gui/$(id -u)/com.white-room.wr-agent",)
    if any(Path(folder, _UNIT).exists() for folder in _UNITS):
        return ("sudo systemctl reload wr-agent",)
    if (_user_units() / _UNIT).exists():
        return ("systemctl --user reload wr-agent",)
    return (f"kill -HUP {os.getpid()}  # the agent",)


def join_group(user: str, group: str, note: str = "") -> tuple[str, ...]:
    """Return the command that adds a user to a group."""
    line = f"usermod -aG {group} {user}" if is_installed("usermod") else f"adduser {user} {group}"
    return (noted(f"sudo {line}", note),)


def let_read(obstacle: Path, user: str = "") -> tuple[str, ...]:
    """Return the command that lets a user read a file or enter a folder: by its group, else by an access list.

    Args:
        obstacle: The file or folder.
        user: The user; the agent's own without a name.
    """
    name = user or _name(pwd.getpwuid, os.geteuid())
    try:
        owner = _name(grp.getgrgid, obstacle.stat().st_gid)
    except OSError:
        owner = ""
    if owner in {"", "root", "wheel"}:
        return tool(f"sudo setfacl -m u:{name}:rX {shlex.quote(str(obstacle))}", "acl")
    return join_group(name, owner, "then restart the agent")


def kernel_argument(argument: str) -> tuple[str, ...]:
    """Return the commands that add an argument to the kernel's command line, and reboot."""
    if is_installed("grubby"):
        return (f"sudo grubby --update-kernel=ALL --args={argument} && sudo reboot",)
    for update in ("update-grub", "grub2-mkconfig -o /boot/grub2/grub.cfg", "grub-mkconfig -o /boot/grub/grub.cfg"):
        if is_installed(update.split()[0]):
            edit = f"add {argument} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub"
            return (edit, f"sudo {update} && sudo reboot")
    for file in (Path("/boot/firmware/cmdline.txt"), Path("/boot/cmdline.txt")):
        if file.exists():
            return (f"sudo sed -i '1s/$/ {argument}/' {file} && sudo reboot",)
    return (f"add {argument} to the kernel's command line in the boot loader, then reboot",)


def python_packages(names: Iterable[str]) -> tuple[str, ...]:
    """Return the command that installs packages from PyPI in the agent's own environment; nothing without names."""
    names = tuple(names)
    if not names:
        return ()
    if find_spec("pip") is None:
        return (f"install {', '.join(names)} in the agent's Python environment {sys.prefix}, then restart the agent",)
    sudo = "" if os.access(sys.prefix, os.W_OK) else "sudo "
    line = f"{sudo}{shlex.quote(sys.executable)} -m pip install {shlex.join(names)}"
    return (noted(line, "then restart the agent"),)


def noted(line: str, note: str) -> str:
    """Return the command with its note as a comment of the shell."""
    return f"{line}  # {note}" if note else line


def _name(find: Callable[[int], tuple[object, ...]], number: int) -> str:
    """Return the name of a user or group; its number if it has no name."""
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def _user_units() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or f"{os.environ.get('HOME', '')}/.config") / "systemd/user"
