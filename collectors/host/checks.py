"""Findings about file systems, memory and sources: pure functions over what was measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from collectors.findings import Finding, Severity
from collectors.host.bounded_calls import HungError
from collectors.host.filesystem import Measured
from collectors.host.meminfo import Memory
from collectors.mounts import IN_MEMORY, Mount, Space, printable
from collectors.plain_errors import unexpected, with_file

_LOW = 0.10
_CRITICAL = 0.03
_GB = 1e9
_DECIMAL_UNITS = ((_GB, "GB"), (1e6, "MB"), (1e3, "kB"))

# In memory, or the firmware's variables: no disk to clean up.
_NOT_STORAGE = IN_MEMORY | {"efivarfs"}


def disk_space(spaces: Measured) -> list[Finding]:
    """Return one finding for each file system with little space left."""
    return [
        Finding(
            code="host-disk-space-low",
            title=f"{printable(mount.path)} is nearly full",
            severity=_severity(space.available / space.size),
            detail=f"{_description(mount)} has {free_space(space)}.",
            affects="Recordings, logs and every program that writes there stop when it is full.",
            remedy=(f"du -xh -d 2 {shlex.quote(printable(mount.path))} | sort -h | tail",),
        )
        for mount, space in _storage(spaces)
        if space.size and space.available / space.size < _LOW
    ]


def free_space(space: Space) -> str:
    """Return the free space of a file system, and what is expected, in words."""
    free, size = (_amount(count) for count in (space.available, space.size))
    return f"{free} of {size} free ({space.available / space.size:.1%}); expected at least {_LOW:.0%}"


def is_low(space: Space) -> bool:
    """Return whether a file system has little space or few inodes left."""
    return bool(space.size and space.available / space.size < _LOW) or bool(
        space.files and space.files_free / space.files < _LOW
    )


def inodes(spaces: Measured) -> list[Finding]:
    """Return one finding for each file system with few inodes left. Those without a limit are skipped."""
    return [
        Finding(
            code="host-inodes-low",
            title=f"{printable(mount.path)} is nearly out of inodes",
            severity=_severity(space.files_free / space.files),
            detail=(
                f"{_description(mount)} has {space.files_free} of {space.files} inodes free"
                f" ({space.files_free / space.files:.1%}); expected at least {_LOW:.0%}."
            ),
            affects="No new file can be created there when they run out, even with free space.",
            remedy=(f"du -x --inodes -d 2 {shlex.quote(printable(mount.path))} | sort -n | tail",),
        )
        for mount, space in _storage(spaces)
        if space.files and space.files_free / space.files < _LOW
    ]


def mounts(spaces: Measured) -> list[Finding]:
    """Return one finding for each mount that does not answer."""
    return [
        Finding(
            code="host-mount-hangs",
            title=f"{printable(mount.path)} does not answer",
            severity=Severity.FAILURE,
            detail=f"{_description(mount)} did not report its space: {found}. Its server or its disk may be gone.",
            affects="Every program that opens a file there hangs, and cannot be killed until the mount answers again.",
            remedy=(f"umount -l {shlex.quote(printable(mount.path))}",),
        )
        for mount, found in spaces.items()
        if isinstance(found, HungError)
    ]


def memory(found: Memory) -> list[Finding]:
    """Return a finding if little memory is available."""
    if found.available >= found.total * _LOW:
        return []
    return [
        Finding(
            code="host-memory-low",
            title="Memory is nearly used up",
            severity=Severity.WARNING,
            detail=(
                f"{found.available / _GB:.1f} GB of {found.total / _GB:.1f} GB of memory is available"
                f" ({found.available / found.total:.1%}); expected at least {_LOW:.0%}."
            ),
            affects="Swapping makes audio drop out, and the kernel may kill programs to free memory.",
            remedy=("ps -Ao pid,rss,comm | sort -rnk 2 | head",),
        )
    ]


def sources(failures: Mapping[str, Exception]) -> list[Finding]:
    """Return one finding for each failing subsystem, from its error by its name."""
    return [
        Finding(
            code="host-source-failing",
            title=f"The host's {name} cannot be measured",
            severity=Severity.WARNING,
            detail=f"Reading {name} failed: {reason(error)}",
            affects=f"The metrics of {name} are missing; all others are served.",
            remedy=_source_remedy(error),
        )
        for name, error in failures.items()
    ]


def reason(error: Exception) -> str:
    """Return why a subsystem could not be read."""
    return with_file(error) if isinstance(error, OSError | ValueError) else unexpected(error)


def _source_remedy(error: Exception) -> tuple[str, ...]:
    if isinstance(error, HungError):
        return ("ps -eLo stat,wchan:30,comm | grep ^D",)
    if isinstance(error, OSError) and error.filename:
        return (f"ls -l {shlex.quote(str(error.filename))}", "id")
    return ("uname -a", "Report the error with this output: wr-agent does not know the format of the kernel's answer.")


def _storage(spaces: Measured) -> Iterator[tuple[Mount, Space]]:
    """Yield the file systems that a user can clean up, each one once even if it is mounted several times."""
    seen = set()
    for mount, space in spaces.items():
        identity = mount.number or mount.device  # a device's name may be shared, such as that of two FUSE mounts
        if not isinstance(space, Space) or mount.read_only or mount.type in _NOT_STORAGE or identity in seen:
            continue
        if _is_image(mount, space):
            continue
        seen.add(identity)
        yield mount, space


def _is_image(mount: Mount, space: Space) -> bool:
    """Return whether this is a FUSE program's view of a file, such as an archive, which is full by nature."""
    return mount.type.split(".")[0] == "fuse" and not space.free and not space.files_free


def _amount(count: int) -> str:
    return next((f"{count / unit:.1f} {name}" for unit, name in _DECIMAL_UNITS if count >= unit), f"{count} bytes")


def _description(mount: Mount) -> str:
    return f"{printable(mount.path)} ({mount.type} on {printable(mount.device)})"


def _severity(free_ratio: float) -> Severity:
    return Severity.FAILURE if free_ratio < _CRITICAL else Severity.WARNING
