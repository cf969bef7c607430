"""Power saving: idle states, suspended devices, battery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.doctor.machine.user import READ, WRITE, User
from collectors import remedies
from collectors.findings import Finding, Severity
from collectors.kernel_files import numbered, read_attribute, read_number

LATENCY_DEVICE = Path("dev/cpu_dma_latency")
_DEEP = 200
"""Microseconds, a sixth of a buffer of 64 frames at 48 kHz."""

_USB_AUDIO = "01"  # the interface class of USB's device class definition for audio
_LATENCY_RULE = 'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660"'
_USB_RULE = 'ACTION=="add", SUBSYSTEM=="usb", ENV{ID_USB_INTERFACES}=="*:01*", ATTR{power/control}="on"'
_SAVING = frozenset({"powersave", "powersupersave"})


def wake_up_latency(root: Path) -> int:
    """Return the longest exit latency of the usable idle states, in microseconds; 0 if unknown."""
    processors = numbered(root / "sys/devices/system/cpu", "cpu").values()  # with cores of several kinds
    states = [state for cpu in processors for state in numbered(cpu / "cpuidle", "state").values()]
    usable = [state for state in states if read_attribute(state / "disable") != "1"]
    return max((read_number(state / "latency") or 0 for state in usable), default=0)


def suspendable_usb_audio(root: Path) -> list[str]:
    """Return the names of USB audio devices that the kernel may suspend."""
    interfaces = (root / "sys/bus/usb/devices").glob("*:*")
    audio = {
        root / "sys/bus/usb/devices" / it.name.partition(":")[0]
        for it in interfaces
        if read_attribute(it / "bInterfaceClass") == _USB_AUDIO
    }
    asleep = [device for device in sorted(audio) if read_attribute(device / "power/control") == "auto"]
    return [read_attribute(device / "product") or device.name for device in asleep]


def idle(latency: int, device: Path, user: User) -> Iterator[Finding]:
    """Yield a finding if deep idle states are allowed and audio programs cannot forbid them.

    Args:
        latency: The result of `wake_up_latency`.
        device: The file `/dev/cpu_dma_latency` (Documentation/power/pm_qos_interface.rst).
        user: The audio user.
    """
    if latency < _DEEP or (device.exists() and user.obstacle(device, READ | WRITE) is None):
        return
    yield Finding(
        code="power-idle-deep",
        title="Processors may enter deep idle states",
        severity=Severity.INFO,
        detail=f"Waking up takes up to {latency} µs; at most {_DEEP} µs is expected. {user.name} may not open"
        " /dev/cpu_dma_latency, which Ardour and PipeWire use to forbid deep idle states.",
        affects="The first buffers after a pause are late. Buffers of 64 frames or less drop out.",
        remedy=(
            f"echo '{_LATENCY_RULE}' | sudo tee /etc/udev/rules.d/99-cpu-dma-latency.rules",
            *(f"{line} && sudo reboot" for line in remedies.join_group(user.name, "audio")),
        ),
    )


def devices(root: Path) -> Iterator[Finding]:
    """Yield findings for suspended sound and PCI devices, and for a machine on battery."""
    suspendable = suspendable_usb_audio(root)
    if suspendable:
        yield _usb(suspendable)
    seconds = read_number(root / "sys/module/snd_hda_intel/parameters/power_save") or 0
    if seconds > 0:
        yield _onboard(seconds)
    policy = read_attribute(root / "sys/module/pcie_aspm/parameters/policy") or ""
    if any(f"[{name}]" in policy for name in _SAVING):
        yield _pci(policy)
    if on_battery(root):
        yield _battery()


def on_battery(root: Path) -> bool:
    """Return True if the machine has a battery, and external supplies of which none is connected.

    A charger by USB-C has another type than `Mains`, and `online` may be 2. A desktop has such supplies too: its
    USB-C ports, without a battery. Supplies of other devices, such as a mouse, have the scope `Device`.
    """
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    own = [it for it in supplies if read_attribute(it / "scope") != "Device"]
    batteries = [it for it in own if read_attribute(it / "type") == "Battery" and read_attribute(it / "present") != "0"]
    online = [read_number(it / "online") for it in own if read_attribute(it / "type") != "Battery"]
    external = [number > 0 for number in online if number is not None]
    return bool(batteries) and bool(external) and not any(external)


def _usb(names: list[str]) -> Finding:
    return Finding(
        code="power-usb-audio-sleeps",
        title="USB audio devices may be suspended",
        severity=Severity.INFO,
        detail=f"Expected power/control on, found auto for {', '.join(names)}.",
        affects="Some interfaces click or lose the first samples when they wake up.",
        remedy=(
            f"echo '{_USB_RULE}' | sudo tee /etc/udev/rules.d/99-usb-audio.rules",
            "unplug the interface and plug it in again",
        ),
    )


def _onboard(seconds: int) -> Finding:
    return Finding(
        code="power-onboard-audio-sleeps",
        title="The built-in sound card may be suspended",
        severity=Severity.INFO,
        detail=f"snd_hda_intel suspends after {seconds} s of silence; 0 (never) is expected.",
        affects="The card clicks when it suspends and wakes up, and loses the first samples.",
        remedy=(
            "echo 'options snd_hda_intel power_save=0' | sudo tee /etc/modprobe.d/audio.conf  # and reboot",
            "echo 0 | sudo tee /sys/module/snd_hda_intel/parameters/power_save  # until reboot",
        ),
    )


def _pci(policy: str) -> Finding:
    return Finding(
        code="power-pci-saves",
        title="PCI Express links may enter power saving",
        severity=Severity.INFO,
        detail=f"Expected the policy default or performance, found {policy}.",
        affects="Each access to a card waits many microseconds for its link to wake up.",
        remedy=("echo performance | sudo tee /sys/module/pcie_aspm/parameters/policy  # until reboot",),
    )


def _battery() -> Finding:
    return Finding(
        code="power-on-battery",
        title="The machine runs on battery",
        severity=Severity.INFO,
        detail="Expected mains power, found none connected.",
        affects="Firmware slows processors and devices down on battery, regardless of the governor.",
        remedy=("connect the power supply",),
    )
