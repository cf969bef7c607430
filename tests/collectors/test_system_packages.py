"""Packages by purpose, in the words of each package manager."""

from __future__ import annotations

import platform

import pytest

from collectors import system_packages
from collectors.system_packages import install, remove

DEBIAN = {"ID": "debian"}
UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian"}
MINT = {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}


def on(monkeypatch: pytest.MonkeyPatch, *programs: str, release: dict[str, str] | None = None) -> None:
    """Let this machine have these programs and no others, and be of this distribution."""
    monkeypatch.setattr(system_packages, "find", lambda name: f"/usr/bin/{name}" if name in programs else None)
    monkeypatch.setattr(system_packages, "is_macos", lambda: False)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release or {})


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install jackd2"),
        ("dnf", "sudo dnf install jack-audio-connection-kit"),
        ("pacman", "sudo pacman -S jack2"),
        ("zypper", "sudo zypper install jack"),
        ("apk", "sudo apk add jack"),
    ],
)
def test_each_manager_has_its_own_command_and_names(
    monkeypatch: pytest.MonkeyPatch, manager: str, command: str
) -> None:
    on(monkeypatch, manager)

    assert install("jack") == (command,)


def test_macos_uses_homebrew_whatever_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "apt-get")
    monkeypatch.setattr(system_packages, "is_macos", lambda: True)

    assert install("jack") == ("brew install jack",)
    assert install("rtkit") == ()


@pytest.mark.parametrize(
    ("release", "name"), [(DEBIAN, "linux-cpupower"), (UBUNTU, "linux-tools-generic"), (MINT, "linux-tools-generic")]
)
def test_ubuntu_and_its_kin_name_the_kernels_packages_differently(
    monkeypatch: pytest.MonkeyPatch, release: dict[str, str], name: str
) -> None:
    on(monkeypatch, "apt-get", release=release)

    assert install("cpupower") == (f"sudo apt-get install {name}",)


def test_several_purposes_are_one_command_without_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "pacman")

    assert install("audio-libraries", "pyaudio-build") == ("sudo pacman -S jack2 portaudio gcc",)


def test_an_unknown_system_gets_names_but_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch)

    assert install("jack") == ("install this system's packages for jackd2 (their names on Debian)",)
    assert remove("pulseaudio") == ()


def test_a_system_without_such_a_package_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "dnf")

    assert install("kernel-realtime") == ()


def test_removal_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, "zypper")

    assert remove("pulseaudio") == ("sudo zypper remove pulseaudio",)
