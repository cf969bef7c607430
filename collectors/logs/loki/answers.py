"""What Loki's answer to a push means for the entries in it. Pure; owns the knowledge of Loki's status codes and texts.

A 400 is partial: Loki has stored the good entries of the body and refused the others for good. Its text counts the
refused: the distributor says `3 errors like: entry for stream '…' has timestamp too old: …; 1 errors like: …`, the
ingester `… total ignored: 2 out of 10 for stream: …`, where the entries missing from those 10 are what the
distributor refused before. That holds for requests of one stream: of several, Loki reports the last one's alone.
Texts are those of Loki 3.7 (pkg/validation/validate.go, pkg/ingester/stream.go), older wordings included.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

NO_ANSWER = 0
"""The code of a request that no answer came to."""

NOT_SENT = -1
"""The code of a request that could not be sent, as a file of credentials or certificates could not be used."""

_PARTIAL = 400
_UNPROCESSABLE = 422
_SERVER_ERRORS = range(500, 600)

_ONE_ENTRY = (
    (re.compile(r"max entry size", re.IGNORECASE), "line_too_long"),
    (re.compile(r"timestamp too old", re.IGNORECASE), "too_old"),
    (re.compile(r"timestamp too new", re.IGNORECASE), "too_new"),
    (re.compile(r"too far behind|out of order", re.IGNORECASE), "too_far_behind"),
    (re.compile(r"structured metadata", re.IGNORECASE), "structured_metadata"),
)
_WHOLE_STREAM = re.compile(
    r"\d+ label names; limit|label (name|value) too long|duplicate label name|error parsing labels"
    r"|couldn't parse labels|at least one label pair|missing required labels",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"(\d+) errors like: (.*?)(?=; \d+ errors like: |\Z)", re.DOTALL)
_IGNORED = re.compile(r"total ignored: (\d+) out of (\d+) for stream")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request.

    Attributes:
        code: The HTTP status, `NO_ANSWER` or `NOT_SENT`.
        text: The body's text, or what happened instead of an answer.
        retry_after: Seconds that Loki asked to wait; 0 if it asked for nothing.
    """

    code: int
    text: str = ""
    retry_after: float = 0.0


class Action(Enum):
    """What to do with the entries of a request."""

    DONE = auto()
    """Loki has dealt with all of them: stored, or refused for good."""
    SPLIT = auto()
    """None is stored, as there are too many for one request."""
    SINGLE_OUT = auto()
    """Refused without a reason that is known here: send fewer at once, to find out which one it is."""
    WAIT = auto()
    """None is stored for now: send the same again later."""


class Fault(Enum):
    """What is wrong with Loki, or with how it is asked."""

    UNREACHABLE = "loki-unreachable"
    REFUSES = "loki-refuses"
    RATE_LIMITED = "loki-rate-limited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    Attributes:
        action: What to do with the entries.
        refused: Entries that Loki refused for good, by reason; only with `DONE`.
        fault: Why it was not `DONE`, if that is the fault of something other than the entries.
    """

    action: Action
    refused: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None


_TOO_LARGE = Verdict(Action.SPLIT)
_BY_CODE = {
    200: Verdict(Action.DONE),
    204: Verdict(Action.DONE),
    413: _TOO_LARGE,
    422: Verdict(Action.SINGLE_OUT, fault=Fault.REFUSES),
    429: Verdict(Action.WAIT, fault=Fault.RATE_LIMITED),
    NO_ANSWER: Verdict(Action.WAIT, fault=Fault.UNREACHABLE),
}


def judge(answer: Answer, entries: int) -> Verdict:
    """What the answer to a request of one stream with so many entries means for them."""
    if answer.code == _PARTIAL:
        refused = refusals(answer.text, entries)
        return Verdict(Action.DONE, refused) if refused else Verdict(Action.SINGLE_OUT, fault=Fault.REFUSES)
    if answer.code in _SERVER_ERRORS:
        return _TOO_LARGE if "larger than max" in answer.text else Verdict(Action.WAIT, fault=Fault.UNREACHABLE)
    return _BY_CODE.get(answer.code, Verdict(Action.WAIT, fault=Fault.REFUSES))


def judge_empty(answer: Answer) -> Fault | None:
    """What is wrong, by the answer to a request without streams, which a Loki that is well answers with 422."""
    return None if answer.code == _UNPROCESSABLE else judge(answer, 0).fault


def refusals(text: str, entries: int) -> Counter[str]:
    """How many of a request's entries a 400 refused, by reason; none if the text gives no reason that is known.

    Args:
        text: The answer's text.
        entries: How many entries the request had.
    """
    if _WHOLE_STREAM.search(text):
        return Counter(labels=entries)
    ignored = _IGNORED.search(text)
    if ignored:
        reached = int(ignored[2])
        return +Counter({_reason(text) or "refused": int(ignored[1]), "invalid": entries - reached})
    found: Counter[str] = Counter()
    for count, message in _GROUPED.findall(text) or [(1, text)]:
        reason = _reason(message)
        if reason:
            found[reason] += int(count)
    return found


def _reason(message: str) -> str | None:
    return next((reason for pattern, reason in _ONE_ENTRY if pattern.search(message)), None)
