from __future__ import annotations

from dataclasses import replace

import pytest

from collectors.audio.config import AudioConfig
from collectors.audio.jack.passive import PassiveView
from collectors.audio.probe.backoff import Step
from collectors.audio.probe.plan import ProbePlan, backed_off, probe_plan, wants_passive, watched_device

RUNNING = PassiveView(state="running", rate=48000, block=256, devices=("system", "firewire"))


def test_auto_joins_a_running_jack_server_and_touches_nothing_else() -> None:
    plan = probe_plan(AudioConfig(), RUNNING, macos=False)

    assert ProbePlan("system", True, "auto", 0, "", 48000, 256) == plan


@pytest.mark.parametrize("server", [PassiveView(), replace(RUNNING, state="absent"), replace(RUNNING, devices=())])
def test_auto_opens_nothing_without_a_server_and_its_device(server: PassiveView) -> None:
    assert probe_plan(AudioConfig(), server, macos=False) is None


def test_another_block_size_is_another_plan() -> None:
    changed = replace(RUNNING, block=512)

    assert probe_plan(AudioConfig(), RUNNING, macos=False) != probe_plan(AudioConfig(), changed, macos=False)


def test_a_configured_device_is_the_one_that_is_watched() -> None:
    assert watched_device(AudioConfig(device="firewire"), RUNNING) == "firewire"
    assert watched_device(AudioConfig(device="usb"), RUNNING) == ""
    assert probe_plan(AudioConfig(device="usb"), RUNNING, macos=False) is None


def test_a_device_is_watched_for_as_long_as_it_is_there() -> None:
    plugged_in = replace(RUNNING, devices=("usb", "system"))

    assert watched_device(AudioConfig(), plugged_in, "system") == "system"
    assert watched_device(AudioConfig(), replace(RUNNING, devices=("usb",)), "system") == "usb"


def test_an_explicit_probe_needs_no_server() -> None:
    plan = probe_plan(AudioConfig(observers="probe", channels=2), PassiveView(), macos=False)

    assert ProbePlan("", False, "auto", 2, "") == plan


def test_on_macos_the_probe_is_output_only_and_alone() -> None:
    plan = probe_plan(AudioConfig(), PassiveView(), macos=True)

    assert ProbePlan("", False, "output", 0, "") == plan
    assert not wants_passive(AudioConfig(), macos=True)
    assert wants_passive(AudioConfig(observers="passive"), macos=True)


def test_no_probe_with_the_passive_client_alone() -> None:
    config = AudioConfig(observers="passive")

    assert probe_plan(config, RUNNING, macos=False) is None
    assert wants_passive(config, macos=False)


def test_a_probe_that_backs_off_listens_to_less_and_then_to_nothing() -> None:
    plan = ProbePlan("system", True, "auto", 0, "", 48000, 256)

    assert backed_off(plan, Step.FULL) == plan
    assert backed_off(plan, Step.LESS) == replace(plan, channels=1, frames=4096)
    assert backed_off(plan, Step.CLOSED) is None
    assert backed_off(None, Step.LESS) is None
