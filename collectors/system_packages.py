"""The names of packages in each package manager, and the commands that install and remove them."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping

ADMINISTRATORS_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin")
"""Directories that a service may lack in its PATH, although a person's shell has them."""

_MANAGERS = {
    "apt-get": ("sudo apt-get install", "sudo apt-get purge"),
    "dnf": ("sudo dnf install", "sudo dnf remove"),
    "pacman": ("sudo pacman -S", "sudo pacman -R"),
    "zypper": ("sudo zypper install", "sudo zypper remove"),
    "apk": ("sudo apk add", "sudo apk del"),
    "brew": ("brew install", "brew uninstall"),
}
"""The commands that install and remove packages, by the program of the package manager, in order of preference."""

_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64", "i686": "686-pae", "armv7l": "armmp"}.get(
    platform.machine(), platform.machine()
)

_UBUNTU = "ubuntu"
_NAMES: Mapping[str, Mapping[str, str]] = {
    "jack": {
        "apt-get": "jackd2",
        "dnf": "jack-audio-connection-kit",
        "pacman": "jack2",
        "zypper": "jack",
        "apk": "jack",
        "brew": "jack",
    },
    "audio-libraries": {
        "apt-get": "libjack-jackd2-0 libportaudio2",
        "dnf": "jack-audio-connection-kit portaudio",
        "pacman": "jack2 portaudio",
        "zypper": "libjack0 libportaudio2",
        "apk": "jack portaudio",
        "brew": "jack portaudio",
    },
    "pyaudio-build": {
        "apt-get": "portaudio19-dev gcc python3-dev",
        "dnf": "portaudio-devel gcc python3-devel",
        "pacman": "portaudio gcc",
        "zypper": "portaudio-devel gcc python3-devel",
        "apk": "portaudio-dev gcc musl-dev python3-dev",
        "brew": "portaudio",
    },
    "pipewire-jack": {
        "apt-get": "pipewire-jack",
        "dnf": "pipewire-jack-audio-connection-kit",
        "pacman": "pipewire-jack",
        "zypper": "pipewire-libjack-0_3",
        "apk": "pipewire-jack",
    },
    "pipewire-tools": {
        "apt-get": "pipewire-bin",
        "dnf": "pipewire-utils",
        "pacman": "pipewire",
        "zypper": "pipewire-tools",
        "apk": "pipewire-tools",
    },
    "rtkit": dict.fromkeys(("apt-get", "dnf", "pacman", "zypper", "apk"), "rtkit"),
    "pulseaudio": dict.fromkeys(("apt-get", "dnf", "pacman", "zypper", "apk"), "pulseaudio"),
    "acl": dict.fromkeys(("apt-get", "dnf", "pacman", "zypper", "apk"), "acl"),
    "sensors": {
        "apt-get": "lm-sensors",
        "dnf": "lm_sensors",
        "pacman": "lm_sensors",
        "zypper": "sensors",
        "apk": "lm-sensors",
    },
    "cpupower": {
        "apt-get": "linux-cpupower",
        _UBUNTU: "linux-tools-generic",
        "dnf": "kernel-tools",
        "pacman": "cpupower",
        "zypper": "cpupower",
        "apk": "cpupower",
    },
    "time-service": {
        "apt-get": "systemd-timesyncd",
        "dnf": "chrony",
        "pacman": "chrony",
        "zypper": "chrony",
        "apk": "chrony",
    },
    "kernel": {
        "apt-get": f"linux-image-{_ARCHITECTURE}",
        _UBUNTU: "linux-generic",
        "dnf": "kernel",
        "pacman": "linux",
        "zypper": "kernel-default",
        "apk": "linux-lts",
    },
    "kernel-realtime": {
        "apt-get": f"linux-image-rt-{_ARCHITECTURE}",
        _UBUNTU: "linux-lowlatency",
        "pacman": "linux-rt",
    },
    "rtirq": {"apt-get": "rtirq-init", "pacman": "rtirq"},
}
"""The packages of each purpose, by package manager. Ubuntu names the packages of its kernel differently from Debian."""


def is_macos() -> bool:
    """Return whether this is macOS."""
    return sys.platform == "darwin"


def find(program: str) -> str | None:
    """Return the path of a program that a person's shell finds; `None` without one."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *ADMINISTRATORS_PATH]))


def release() -> str:
    """Return the distribution and its release, such as `debian 12`; empty if unknown."""
    named = _os_release()
    return f"{named.get('ID', '')} {named.get('VERSION_ID', '')}".strip()


def install(*purposes: str) -> tuple[str, ...]:
    """Return the command that installs the packages of these purposes; nothing if this system has none.

    A system without a known package manager gets Debian's names to search for.
    """
    manager = _manager()
    if manager is None:
        return (f"install this system's packages for {', '.join(_names(purposes, 'apt-get'))} (their names on Debian)",)
    return _command(_MANAGERS[manager][0], _names(purposes, manager))


def remove(purpose: str) -> tuple[str, ...]:
    """Return the command that removes the packages of a purpose; nothing without a known package manager."""
    manager = _manager()
    return _command(_MANAGERS[manager][1], _names((purpose,), manager)) if manager else ()


def _command(start: str, names: Iterable[str]) -> tuple[str, ...]:
    listed = " ".join(names)
    return (f"{start} {listed}",) if listed else ()


def _manager() -> str | None:
    if is_macos():
        return "brew"
    return next((name for name in _MANAGERS if find(name)), None)


def _names(purposes: Iterable[str], manager: str) -> list[str]:
    found = [_NAMES[purpose] for purpose in purposes]
    preferred = _UBUNTU if manager == "apt-get" and _is_ubuntu() else manager
    words = [word for names in found for word in names.get(preferred, names.get(manager, "")).split()]
    return list(dict.fromkeys(words))


def _is_ubuntu() -> bool:
    release = _os_release()
    return _UBUNTU in (release.get("ID", ""), *release.get("ID_LIKE", "").split())


def _os_release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
