"""The meaning of a receiver's answers to remote write. Pure; owns the knowledge of status codes and texts.

Texts are those of Prometheus 2.42 (`tsdb/head_append.go`) and Mimir. Prometheus stores nothing of a request that it
refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from collectors.http_push.answer import NO_ANSWER, Answer

_SUCCESS = frozenset(range(200, 300))
_REFUSED = frozenset({400, 409, 422})
_SERVER_ERRORS = range(500, 600)

_REASONS = (
    (re.compile(r"duplicate sample|duplicate-timestamp", re.IGNORECASE), "duplicate"),
    (re.compile(r"too old|too far in the past", re.IGNORECASE), "too_old"),
    (re.compile(r"out of bounds", re.IGNORECASE), "out_of_bounds"),
    (re.compile(r"out[ -]of[ -]order", re.IGNORECASE), "out_of_order"),
    (re.compile(r"too far in (the )?future|too-far-in-future", re.IGNORECASE), "too_new"),
)

REASONS_OF_ALL = {"too_old", "out_of_bounds", "too_new"}
"""The reasons that depend on a sample's time alone, so that they hold for all series of a snapshot."""

REASONS_OF_STORED = {"duplicate", "out_of_order"}
"""The reasons that a sample has which the receiver has stored before."""


class Action(Enum):
    """The next step for the samples of a request."""

    DONE = auto()
    """The receiver has them."""
    SINGLE_OUT = auto()
    """It refuses some of them: smaller requests show which."""
    SPLIT = auto()
    """There are too many for one request."""
    RETRY = auto()
    """It failed with them. If it stores other samples, smaller requests show the cause."""
    WAIT = auto()
    """It takes none for now: retry later."""


class Fault(Enum):
    """A fault of the receiver or of the requests to it."""

    UNREACHABLE = "remote-write-unreachable"
    REFUSES = "remote-write-refuses"
    RATE_LIMITED = "remote-write-rate-limited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of an answer.

    Attributes:
        action: The next step for the samples.
        fault: The cause if the samples are not at fault.
        reason: The reason of a refusal; empty if its text gives none that is known.
    """

    action: Action
    fault: Fault | None = None
    reason: str = ""


_REFUSES = Verdict(Action.WAIT, Fault.REFUSES)
_UNREACHABLE = Verdict(Action.WAIT, Fault.UNREACHABLE)
_BY_CODE = {
    NO_ANSWER: _UNREACHABLE,
    408: _UNREACHABLE,
    413: Verdict(Action.SPLIT),
    425: _UNREACHABLE,
    429: Verdict(Action.WAIT, Fault.RATE_LIMITED),
}


def judge(answer: Answer) -> Verdict:
    """Return the meaning of an answer. A page for a browser comes from something else than a receiver."""
    code = answer.code
    if code in _SUCCESS | _REFUSED and answer.is_page:
        return _REFUSES
    if code in _REFUSED:
        return Verdict(Action.SINGLE_OUT, reason=_reason(answer.text))
    if code in _SUCCESS:
        return Verdict(Action.DONE)
    if code in _SERVER_ERRORS:
        return Verdict(Action.RETRY, Fault.UNREACHABLE)
    return _BY_CODE.get(code, _REFUSES)


def _reason(text: str) -> str:
    return next((reason for pattern, reason in _REASONS if pattern.search(text)), "")
