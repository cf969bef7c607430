"""What saves power at the cost of audio: idle states, devices that are put to sleep, a battery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.doctor.machine.user import READ, WRITE, User
from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute, read_number

LATENCY_DEVICE = Path("dev/cpu_dma_latency")
_DEEP = 200
"""Microseconds: a sixth of a buffer of 64 frames at 48 kHz."""

_USB_AUDIO = "01"  # the interface class of USB's device class definition for audio
_LATENCY_RULE = 'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660"'
_USB_RULE = 'ACTION=="add", SUBSYSTEM=="usb", ENV{ID_USB_INTERFACES}=="*:01*", ATTR{power/control}="on"'
_SAVING = frozenset({"powersave", "powersupersave"})


def wake_up_latency(root: Path) -> int:
    """Microseconds that a processor needs at most to leave the idle states that it may use; 0 if that is unknown."""
    states = numbered(root / "sys/devices/system/cpu/cpu0/cpuidle", "state").values()
    usable = [state for state in states if read_attribute(state / "disable") != "1"]
    return max((read_number(state / "latency") or 0 for state in usable), default=0)


def sleepy_usb_audio(root: Path) -> list[str]:
    """The USB audio devices that the kernel may put to sleep, by their names."""
    interfaces = (root / "sys/bus/usb/devices").glob("*:*")
    audio = {
        root / "sys/bus/usb/devices" / it.name.partition(":")[0]
        for it in interfaces
        if read_attribute(it / "bInterfaceClass") == _USB_AUDIO
    }
    asleep = [device for device in sorted(audio) if read_attribute(device / "power/control") == "auto"]
    return [read_attribute(device / "product") or device.name for device in asleep]


def idle(latency: int, device: Path, person: User) -> Iterator[Finding]:
    """A finding if processors may sleep deeply, and the player's programs cannot ask them not to.

    Args:
        latency: As `wake_up_latency` has it.
        device: The device by which programs set `/dev/cpu_dma_latency` (Documentation/power/pm_qos_interface.rst).
        person: The player.
    """
    if latency < _DEEP or (device.exists() and person.obstacle(device, READ | WRITE) is None):
        return
    yield Finding(
        code="power-idle-deep",
        title="Processors may sleep too deeply for small buffers",
        severity=Severity.INFO,
        detail=f"Waking up takes up to {latency} µs, and {person.name} may not open /dev/cpu_dma_latency, by which"
        " programs such as Ardour and PipeWire forbid deep sleep.",
        affects="The first buffers after a pause come late; buffers of 64 frames and less drop out.",
        remedy=(
            f"echo '{_LATENCY_RULE}' | sudo tee /etc/udev/rules.d/99-cpu-dma-latency.rules",
            f"sudo usermod -aG audio {person.name} && sudo reboot",
        ),
    )


def devices(root: Path) -> Iterator[Finding]:
    """Findings for sound and PCI devices that are put to sleep, and for a machine that runs on its battery."""
    sleepy = sleepy_usb_audio(root)
    if sleepy:
        yield _usb(sleepy)
    seconds = read_number(root / "sys/module/snd_hda_intel/parameters/power_save") or 0
    if seconds > 0:
        yield _onboard(seconds)
    policy = read_attribute(root / "sys/module/pcie_aspm/parameters/policy") or ""
    if any(f"[{name}]" in policy for name in _SAVING):
        yield _pci(policy)
    if "0" in _mains(root) and "1" not in _mains(root):
        yield _battery()


def _mains(root: Path) -> list[str]:
    supplies = (root / "sys/class/power_supply").glob("*")
    return [read_attribute(it / "online") or "" for it in supplies if read_attribute(it / "type") == "Mains"]


def _usb(names: list[str]) -> Finding:
    return Finding(
        code="power-usb-audio-sleeps",
        title="USB audio devices are put to sleep",
        severity=Severity.INFO,
        detail=f"Expected them to be kept awake, found autosuspend allowed for {', '.join(names)}.",
        affects="Some interfaces click, or lose their first moments, when they are woken up.",
        remedy=(
            f"echo '{_USB_RULE}' | sudo tee /etc/udev/rules.d/99-usb-audio.rules",
            "plug the interface in again",
        ),
    )


def _onboard(seconds: int) -> Finding:
    return Finding(
        code="power-onboard-audio-sleeps",
        title="The built-in sound card is put to sleep",
        severity=Severity.INFO,
        detail=f"snd_hda_intel sleeps after {seconds} s of silence; 0 (never) is expected where audio is made.",
        affects="The card clicks when it sleeps and when it wakes up, and swallows the first moments.",
        remedy=(
            "echo 'options snd_hda_intel power_save=0' | sudo tee /etc/modprobe.d/audio.conf  # and reboot",
            "echo 0 | sudo tee /sys/module/snd_hda_intel/parameters/power_save  # until reboot",
        ),
    )


def _pci(policy: str) -> Finding:
    return Finding(
        code="power-pci-saves",
        title="PCI Express links are put to sleep",
        severity=Severity.INFO,
        detail=f"Expected the policy default or performance, found {policy}.",
        affects="Each access to a card waits until its link is awake: many microseconds, again and again.",
        remedy=("echo performance | sudo tee /sys/module/pcie_aspm/parameters/policy  # until reboot",),
    )


def _battery() -> Finding:
    return Finding(
        code="power-on-battery",
        title="The machine runs on its battery",
        severity=Severity.INFO,
        detail="Expected mains power, found none connected.",
        affects="Firmware slows processors and devices down on battery, whatever the governor says.",
        remedy=("connect the power supply",),
    )
