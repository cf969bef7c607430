from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collectors.plugins.names import FamilyNames, export_labels
from collectors.plugins.refusals import Reason, RefusedError

if TYPE_CHECKING:
    from collectors.metrics import MetricType


def refusal(names: FamilyNames, name: str, type_: MetricType = "gauge") -> Reason:
    with pytest.raises(RefusedError) as caught:
        names.claim(name, type_, "")
    return caught.value.reason


def test_the_first_plugin_defines_a_family() -> None:
    names = FamilyNames()

    head = names.claim("calls_total", "counter", "Calls.")

    assert names.claim("calls_total", "counter", "Other calls.") is head
    assert head.help == "Calls."
    assert refusal(names, "calls_total") is Reason.TYPE_CONFLICT
    assert refusal(names, "calls_created") is Reason.TYPE_CONFLICT


@pytest.mark.parametrize("name", ["up", "node_load1", "scrape_x", "process_x", "python_x", "wr_agent_x", "container_x"])
def test_reserved_names_are_refused(name: str) -> None:
    assert refusal(FamilyNames(), name) is Reason.RESERVED_NAME


@pytest.mark.parametrize("name", ["a.b", "a b", "1a", "é"])
def test_names_that_need_quotes_are_refused(name: str) -> None:
    assert refusal(FamilyNames(), name) is Reason.UNSUPPORTED_NAME


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ((("a.b", "1"),), Reason.UNSUPPORTED_NAME),
        ((("a:b", "1"),), Reason.UNSUPPORTED_NAME),
        ((("__a", "1"),), Reason.RESERVED_LABEL),
        ((("a" * 201, "1"),), Reason.LABEL_LIMIT),
        ((("a", "1" * 1_025),), Reason.LABEL_LIMIT),
        (tuple((f"a{i}", "1") for i in range(33)), Reason.LABEL_LIMIT),
    ],
)
def test_labels_that_cannot_be_exported_are_refused(labels: tuple[tuple[str, str], ...], reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        export_labels("a", labels)

    assert caught.value.reason is reason


def test_the_audio_devices_own_series_is_refused() -> None:
    with pytest.raises(RefusedError):
        export_labels("audio_engine_xruns_total", (("source", "device"),))

    assert export_labels("audio_engine_xruns_total", (("source", "engine"),)) == (("source", "engine"),)


def test_the_agents_labels_are_renamed_as_prometheus_does() -> None:
    labels = (("exported_plugin", "a"), ("plugin", "b"), ("plugin_instance", "c"))

    assert export_labels("a", labels) == (
        ("exported_plugin", "a"),
        ("exported_exported_plugin", "b"),
        ("exported_plugin_instance", "c"),
    )
