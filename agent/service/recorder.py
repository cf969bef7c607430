"""The kernel recorder as a system service: its own copy of its few files, which only root can change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import collectors
from agent.service import systemd
from agent.service.definition import Service, ServiceError, template
from agent.service.executable import foreign_step
from agent.shared_files import shared

UNIT = "wr-agent-recorder.service"

FOLDER = Path("/usr/local/lib/wr-agent-recorder")

_DOCUMENT = "docs/explaining-dropouts.md"

_HELPER = "audio/causes/kernel/helper"

_PYTHONS = ("/usr/bin/python3", sys.executable)
"""The interpreters that root may run: the system's own first."""

_OLDEST = (3, 11)

_HIDDEN = ("/home/", "/root/", "/run/user/")
"""Folders that the unit cannot see."""

_UNITS = Path("/etc/systemd/system")

_USER = re.compile(r"^User=(\S+)$", re.MULTILINE)


def recorder(user: str) -> Service:
    """Return the service of the kernel recorder.

    Args:
        user: The user whose agent may connect; empty for that of the agent's system service, or that of sudo.
    """
    return Service(
        file=_UNITS / UNIT,
        text=lambda _: _text(user or _agents_user()),
        **systemd.commands("systemctl", unit=UNIT),
        logs="journalctl -u wr-agent-recorder -f",
        kept="nothing",
        name="wr-agent-recorder",
        folder=FOLDER,
        files=_files(),
    )


def _text(user: str) -> str:
    command = (str(_python()), "-I", str(FOLDER))
    return systemd.filled(
        template("systemd", UNIT),
        COMMAND=systemd.quoted(command),
        DOCUMENTATION=systemd.address(shared(_DOCUMENT)),
        USER=systemd.quoted((user,)),
    )


def _files() -> dict[str, Path]:
    """Return the files of the copy: the helper, the packages that it lies in, and its start as `__main__.py`."""
    root = Path(collectors.__file__).parent
    helper = root / _HELPER
    inner = [helper.parents[number] / "__init__.py" for number in range(4)] + sorted(helper.glob("*.py"))
    return {"__main__.py": helper / "__main__.py"} | {
        str(Path("collectors") / path.relative_to(root)): path for path in inner
    }


def _agents_user() -> str:
    for unit in _units():
        with suppress(OSError):
            if found := _USER.search(unit.read_text()):
                return found[1]
    user = os.environ.get("SUDO_USER", "")
    if user in {"", "root"}:
        raise ServiceError("which user runs the agent? Add --as USER")
    return user


def _units() -> list[Path]:
    """Return the unit of the agent's system service: an administrator's, and a package's if it is enabled."""
    own = _UNITS / systemd.UNIT
    return [own, *_UNITS.glob(f"*.wants/{systemd.UNIT}")]


def _python() -> Path:
    """Return an interpreter that only root can change.

    Raises:
        ServiceError: There is none.
    """
    reasons = []
    for name in _PYTHONS:
        path = Path(name)
        reason = _refusal(path)
        if not reason:
            return path
        reasons.append(f"{path} {reason}")
    raise ServiceError(
        f"root needs an interpreter of its own: {'; '.join(reasons)}. Install one: apt-get install python3"
    )


def _refusal(python: Path) -> str:
    """Return why root may not run an interpreter; empty if it may."""
    try:
        step = foreign_step(python)
    except OSError:
        return "does not exist"
    if step:
        return f"can be changed by others than root: {step}"
    if str(python.resolve()).startswith(_HIDDEN):
        return "lies in a home folder, which the service cannot see"
    version = _version(python)
    return "" if version >= _OLDEST else f"is older than {'.'.join(map(str, _OLDEST))}"


def _version(python: Path) -> tuple[int, ...]:
    script = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return tuple(int(part) for part in done.stdout.split())
