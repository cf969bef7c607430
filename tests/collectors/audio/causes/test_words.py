from __future__ import annotations

import pytest

from collectors.audio.causes.event import Cause, Culprit, Event
from collectors.audio.causes.words import CAUSES, by_culprit, culprit_words, main_cause, phrase


def caused(cause: Cause, name: str = "", victim: str = "") -> Event:
    culprit = Culprit(kind="process", name=name) if name else None
    return Event(id="", at="", duration_ms=1.0, device="system", cause=cause, culprit=culprit, victim=victim)


def test_the_main_cause_is_the_most_frequent_one() -> None:
    events = [caused(Cause.CONTENTION, "browser", "jackd")] * 6 + [caused(Cause.IO, "dd")]

    assert main_cause(events) == "6 of 7 dropouts: browser, without real-time priority for jackd."
    assert [len(group) for group in by_culprit(events)] == [6, 1]


def test_an_unknown_main_cause_is_followed_by_a_known_one() -> None:
    events = [caused(Cause.UNKNOWN)] * 4 + [caused(Cause.PREEMPTED, "export-job", "server")] * 2 + [caused(Cause.IO)]

    assert main_cause(events) == (
        "4 of 7 dropouts: no known cause; 2 of 7 dropouts: export-job, with a higher priority than the audio server."
    )
    assert main_cause(events[:4]) == "4 of 4 dropouts: no known cause."


def test_one_dropout_is_not_counted() -> None:
    assert main_cause([caused(Cause.CLIENT_CPU, "reverb")]) == "The cause: reverb, which computed for too long."
    assert main_cause([]) == ""


def test_the_same_cause_of_two_culprits_is_two() -> None:
    events = [caused(Cause.CLIENT_CPU, "reverb"), caused(Cause.CLIENT_CPU, "delay"), caused(Cause.CLIENT_CPU, "delay")]

    assert main_cause(events) == "2 of 3 dropouts: delay, which computed for too long."


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_words_with_and_without_a_culprit(cause: Cause) -> None:
    assert CAUSES[cause]
    for event in (caused(cause), caused(cause, "{name}", "{victim}")):
        assert phrase(event)
        assert "None" not in phrase(event)


@pytest.mark.parametrize(
    ("culprit", "words"),
    [
        (
            Culprit(kind="process", name="dd", pid=7, policy="fifo", priority=80, cpu=0),
            "process dd, pid 7, fifo 80, CPU 0",
        ),
        (Culprit(kind="process", name="dd", pid=7, policy="other"), "process dd, pid 7, other"),
        (Culprit(kind="host", name=""), "host"),
        (Culprit(kind="kernel", name="NET_RX", cpu=1), "kernel NET_RX, CPU 1"),
    ],
)
def test_a_culprit_is_described_by_what_is_known(culprit: Culprit, words: str) -> None:
    assert culprit_words(culprit) == words
