from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.interrupts import Interrupt, decides_about_audio, families, family, parse
from collectors.kernel_files import read_text
from tests.collectors.host.support import Tree, samples_of
from tests.support.exported import ours, scraped
from tests.support.node_exporter import node_exporter

TABLE = """\
            CPU0       CPU2
   8:          1          0  IR-IO-APIC    8-edge      rtc0
 126:          5        700  IR-PCI-MSI 327680-edge      xhci_hcd
 145:         11         13  IR-PCI-MSIX-0000:00:1f.3    0-edge      snd_hda_intel:card0
 NMI:          2          3   Non-maskable interrupts
 ERR:          0
 MIS:          0
"""


def test_parse_reads_what_is_counted_by_processor() -> None:
    cpus, interrupts = parse(TABLE)

    assert cpus == ["0", "2"]
    assert interrupts == [
        Interrupt("8", "IR-IO-APIC", "8-edge rtc0", (1, 0)),
        Interrupt("126", "IR-PCI-MSI", "327680-edge xhci_hcd", (5, 700)),
        Interrupt("145", "IR-PCI-MSIX-0000:00:1f.3", "0-edge snd_hda_intel:card0", (11, 13)),
        Interrupt("NMI", "Non-maskable interrupts", "", (2, 3)),
    ]


def test_on_one_processor_an_interrupt_is_told_from_a_sum_too() -> None:
    _, interrupts = parse("      CPU0\n 8: 1 IO-APIC 8-edge rtc0\nNMI: 2 Non-maskable interrupts\nERR: 0\n")

    assert [interrupt.type for interrupt in interrupts] == ["8", "NMI"]


def test_sound_and_usb_are_exported_and_nothing_else(tree: Tree) -> None:
    assert samples_of(families(tree({"proc/interrupts": TABLE})), "node_interrupts_total") == {
        ("0", "126", "IR-PCI-MSI", "327680-edge xhci_hcd"): 5,
        ("2", "126", "IR-PCI-MSI", "327680-edge xhci_hcd"): 700,
        ("0", "145", "IR-PCI-MSIX-0000:00:1f.3", "0-edge snd_hda_intel:card0"): 11,
        ("2", "145", "IR-PCI-MSIX-0000:00:1f.3", "0-edge snd_hda_intel:card0"): 13,
    }


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("17-fasteoi snd_hda_intel:card1", True),
        ("16-fasteoi ehci_hcd:usb1, i801_smbus", True),
        ("0-edge AudioDSP", True),
        ("18-fasteoi firewire_ohci", True),
        ("1-edge nvme0q1", False),
        ("0-edge ahci[0000:00:17.0]", False),
        ("39-fasteoi mmc0, sdhci", False),
        ("0-edge eth0", False),
        ("", False),
    ],
)
def test_a_driver_is_told_by_its_name(devices: str, expected: bool) -> None:  # noqa: FBT001 - what a table says
    assert decides_about_audio(Interrupt("1", "PCI-MSI", devices, (0,))) is expected


def test_a_device_with_hundreds_of_queues_is_bounded(tree: Tree) -> None:
    lines = [f" {number}: 1 IR-PCI-MSI {number}-edge xhci_hcd" for number in range(300)]

    root = tree({"proc/interrupts": "\n".join(["      CPU0", *lines])})

    assert len(samples_of(families(root), "node_interrupts_total")) == 32


def test_all_interrupts_of_this_machine_would_be_node_exporters() -> None:
    with node_exporter("--collector.disable-defaults", "--collector.interrupts") as peer:
        there = scraped(peer.url)["node_interrupts_total"]

    here = ours([family(*parse(read_text("/proc/interrupts")))])["node_interrupts_total"]

    assert (here.type, here.help, here.samples.keys()) == (there.type, there.help, there.samples.keys())
    assert all(here.samples[labels] >= count for labels, count in there.samples.items())


def test_this_machine_can_be_read() -> None:
    assert [family.name for family in families(Path("/"))] == ["node_interrupts_total"]
