from agent.doctor.machine import interrupts
from tests.agent.doctor.support import Machine

TABLE = """\
            CPU0       CPU1
  16:        100          0   IO-APIC   16-fasteoi   snd_hda_intel:card0, nvidia
  17:          0        100   IO-APIC   17-fasteoi   ehci_hcd:usb1, i801_smbus
  24:         10          0   PCI-MSI 512000-edge      xhci_hcd
 NMI:          0          0   Non-maskable interrupts
"""


def test_shared_interrupts_are_found(machine: Machine) -> None:
    found = interrupts.check(interrupts.read(machine({"proc/interrupts": TABLE})))

    assert [finding.severity for finding in found] == ["warning", "info"]
    assert "snd_hda_intel:card0, nvidia" in found[0].detail
